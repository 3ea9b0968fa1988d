//! Times and their quantiles.

use std::time::Duration;

#[derive(Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn report(&mut self, what: &str) {
        self.0.sort_unstable();
        let at = |share: f64| self.0.get(((self.0.len() as f64 * share) as usize).min(self.0.len().saturating_sub(1)));
        let ms = |time: Option<&Duration>| time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
        println!(
            "{what}: median {:.2} ms, p99 {:.2} ms, slowest {:.2} ms ({} of them)",
            ms(at(0.5)),
            ms(at(0.99)),
            ms(self.0.last()),
            self.0.len()
        );
    }
}
