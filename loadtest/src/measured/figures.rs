//! Times of many requests, and what is said of them: every time is kept, so that a percentile is a time that was measured.
//!
//! ```ignore
//! let mut times = Times::default();
//! times.add(Duration::from_micros(180));
//! assert_eq!(times.figures().p99, 180);
//! ```

use std::time::Duration;

use serde_json::{Value, json};

/// Microseconds, in the order of their coming.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<u64>);

/// What is printed of them, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub count: u64,
    pub p50: u64,
    pub p99: u64,
    pub p999: u64,
    pub worst: u64,
}

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0
            .push(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn join(&mut self, other: Times) {
        self.0.extend(other.0);
    }

    pub(crate) fn figures(mut self) -> Figures {
        self.0.sort_unstable();
        Figures {
            count: self.0.len() as u64,
            p50: percentile(&self.0, 500),
            p99: percentile(&self.0, 990),
            p999: percentile(&self.0, 999),
            worst: percentile(&self.0, 1000),
        }
    }
}

/// The smallest time that at least `thousandths` of all are not above.
fn percentile(sorted: &[u64], thousandths: usize) -> u64 {
    let rank = (sorted.len() * thousandths).div_ceil(1000);
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

impl Figures {
    pub(crate) fn to_json(self) -> Value {
        json!([self.count, self.p50, self.p99, self.p999, self.worst])
    }

    pub(crate) fn from_json(value: &Value) -> Figures {
        let at = |place: usize| value[place].as_u64().unwrap_or_default();
        Figures {
            count: at(0),
            p50: at(1),
            p99: at(2),
            p999: at(3),
            worst: at(4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let mut times = Times::default();
        for micros in (1..=1000).rev() {
            times.add(Duration::from_micros(micros));
        }
        let figures = times.figures();
        let expected = Figures {
            count: 1000,
            p50: 500,
            p99: 990,
            p999: 999,
            worst: 1000,
        };
        assert_eq!(figures, expected);
        assert_eq!(Figures::from_json(&figures.to_json()), figures);
    }

    #[test]
    fn few_times_and_none_have_figures_too() {
        let mut one = Times::default();
        one.add(Duration::from_micros(7));
        let mut none = Times::default();
        none.join(one);
        assert_eq!(none.figures().p999, 7);
        assert_eq!(Times::default().figures(), Figures::default());
    }
}
