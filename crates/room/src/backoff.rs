const FIRST_MS: u64 = 250;
const MAX_MS: u64 = 15_000;

/// How long to wait before the next attempt to connect, in milliseconds: full jitter below a ceiling that starts at
/// 250 ms and doubles up to 15 s, so that clients of a restarted server do not all come back at once.
///
/// `attempt` counts from 0; `jitter` is a random number in 0..1 (outside of it is clamped).
pub fn backoff(attempt: u32, jitter: f64) -> u64 {
    let ceiling = FIRST_MS.saturating_mul(1 << attempt.min(32)).min(MAX_MS);
    (ceiling as f64 * jitter.clamp(0.0, 1.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_ceiling() {
        let waits: Vec<u64> = (0..8).map(|attempt| backoff(attempt, 1.0)).collect();
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
        assert_eq!(backoff(u32::MAX, 0.5), 7_500);
    }

    #[test]
    fn jitter_is_clamped() {
        assert_eq!(backoff(3, -1.0), 0);
        assert_eq!(backoff(3, 2.0), 2_000);
        assert_eq!(backoff(3, f64::NAN), 0);
    }
}
