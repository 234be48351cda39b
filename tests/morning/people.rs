//! Who is there, as Prometheus has it: compared with the load at each step.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use super::crowd::{Expected, Numbers};
use super::prometheus::{PATIENCE, Prometheus};

/// The gauges at this time, those that are 0 left out.
async fn shown(prometheus: &Prometheus, at: f64) -> Expected {
    let numbers = async |metric: &str, one: &str, other: &str| -> Numbers {
        let series = prometheus.series(&format!("{metric} > 0"), at).await;
        let number = |sample: &super::prometheus::Sample| {
            let labels = (sample.label(one).to_owned(), sample.label(other).to_owned());
            (labels, sample.value as u64)
        };
        series.iter().map(number).collect::<BTreeMap<_, _>>()
    };
    Expected {
        users: numbers("portcullis_connected_users", "kind", "server").await,
        interactions: numbers("portcullis_interactions", "pair", "type").await,
        streams: numbers("portcullis_streams_open", "server", "type").await,
    }
}

/// The first sample after this step has these numbers.
pub async fn at_once(prometheus: &Prometheus, step: &str, expected: &Expected) {
    let at = prometheus.sample_after(SystemTime::now()).await;
    assert_eq!(
        &shown(prometheus, at).await,
        expected,
        "{step}: Prometheus, and the load"
    );
    println!("{step}: {}", told(expected));
}

/// Each of so many samples has these numbers.
pub async fn throughout(prometheus: &Prometheus, step: &str, samples: usize, expected: &Expected) {
    for _ in 0..samples {
        at_once(prometheus, step, expected).await;
    }
}

/// A sample has these numbers before patience ends.
pub async fn at_last(prometheus: &Prometheus, step: &str, expected: &Expected) {
    let began = Instant::now();
    loop {
        let at = prometheus.sample_after(SystemTime::now()).await;
        let shown = shown(prometheus, at).await;
        if &shown == expected {
            println!("{step}, after {:.1?}: {}", began.elapsed(), told(expected));
            return;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{step}: Prometheus has {shown:?}, the load {expected:?}"
        );
    }
}

fn told(expected: &Expected) -> String {
    let words = |numbers: &Numbers| -> Vec<String> {
        let word =
            |((one, other), number): (&(String, String), &u64)| format!("{one} {other} {number}");
        numbers.iter().map(word).collect()
    };
    let all = [&expected.users, &expected.interactions, &expected.streams].map(words);
    all.concat().join(", ")
}
