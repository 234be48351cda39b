//! Compares what Prometheus answers with what is right, family by family, and keeps everything that is wrong for the end.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::ops::RangeInclusive;

use super::ledger::Counts;
use super::prometheus::{Prometheus, Sample};

/// The judge of one moment.
pub struct Judge<'p> {
    prometheus: &'p Prometheus,
    at: f64,
    /// Metrics that were asked for.
    pub judged: BTreeSet<String>,
    pub wrong: Vec<String>,
}

impl<'p> Judge<'p> {
    pub fn new(prometheus: &'p Prometheus, at: f64) -> Self {
        Judge {
            prometheus,
            at,
            judged: BTreeSet::new(),
            wrong: Vec::new(),
        }
    }

    /// The series of this expression about this metric.
    pub async fn series(&mut self, metric: &str, expression: &str) -> Vec<Sample> {
        self.judged.insert(metric.to_owned());
        self.prometheus.series(expression, self.at).await
    }

    pub fn compare<T: PartialEq + Debug>(&mut self, what: &str, has: T, right: T) {
        if has != right {
            self.wrong
                .push(format!("{what}:\n  is    {has:?}\n  right {right:?}"));
        }
    }

    /// The series by these labels, those that are 0 left out on both sides.
    pub async fn exactly(
        &mut self,
        metric: &str,
        expression: &str,
        labels: &[&str],
        right: &Counts,
    ) {
        let series = self.series(metric, expression).await;
        let by_labels = |sample: &Sample| {
            let values = labels.iter().map(|label| sample.label(label).to_owned());
            (values.collect(), sample.value as u64)
        };
        let mut has: Counts = series.iter().map(by_labels).collect();
        let mut right = right.clone();
        if has.len() != series.len() {
            self.wrong.push(format!(
                "{expression}: more labels than {labels:?}: {series:?}"
            ));
        }
        for numbers in [&mut has, &mut right] {
            numbers.retain(|_, number| *number > 0);
        }
        // What is as it should be need not be read.
        let same: Vec<_> = has
            .keys()
            .filter(|key| has.get(*key) == right.get(*key))
            .cloned()
            .collect();
        for key in same {
            has.remove(&key);
            right.remove(&key);
        }
        self.compare(expression, has, right);
    }

    /// The only series, without labels of its own.
    pub async fn one(&mut self, metric: &str, right: f64) {
        self.within(metric, right..=right).await;
    }

    /// The same, not to the digit.
    pub async fn within(&mut self, metric: &str, right: RangeInclusive<f64>) {
        let series = self.series(metric, metric).await;
        let own = |sample: &Sample| sample.labels.len() - 3;
        match series.as_slice() {
            [sample] if own(sample) == 0 && right.contains(&sample.value) => {}
            _ => self
                .wrong
                .push(format!("{metric}: {series:?}, right {right:?}")),
        }
    }
}
