//! How much one connection may send: so many a second, averaged over a while.

use std::time::Duration;

use tokio::time::Instant;

/// A token bucket. It starts full.
#[derive(Debug)]
pub struct Budget {
    per_second: f64,
    most: f64,
    left: f64,
    at: Instant,
}

impl Budget {
    /// `per_second` on average, and as many at once as add up in `seconds`.
    pub fn new(per_second: u32, seconds: u32, now: Instant) -> Self {
        let most = f64::from(per_second) * f64::from(seconds);
        Self { per_second: f64::from(per_second), most, left: most, at: now }
    }

    /// Takes one, if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        let grown = now.saturating_duration_since(self.at).as_secs_f64() * self.per_second;
        self.left = (self.left + grown).min(self.most);
        self.at = now;
        let is_in = self.left >= 1.0;
        if is_in {
            self.left -= 1.0;
        }
        is_in
    }

    /// When there will be one again.
    pub fn next(&self) -> Instant {
        self.at + Duration::from_secs_f64(((1.0 - self.left) / self.per_second).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_so_many_a_second() {
        let start = Instant::now();
        let mut budget = Budget::new(20, 10, start);
        let taken = |budget: &mut Budget, now| (0..1_000).take_while(|_| budget.take(now)).count();
        assert_eq!(taken(&mut budget, start), 200);
        assert_eq!(taken(&mut budget, start + Duration::from_secs(1)), 20);
        assert_eq!(budget.next(), start + Duration::from_secs(1) + Duration::from_millis(50));
        assert_eq!(taken(&mut budget, start + Duration::from_secs(3_600)), 200);
    }
}
