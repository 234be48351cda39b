//! How the gateway finds out whether a server works: a probe now and then, or `off`.
//!
//! ```yaml
//! servers:
//!   web1: { kind: http, url: https://web1.corp.local, health: { path: /healthz, interval: 5s, rise: 2, fall: 3 } }
//!   web2: { kind: http, url: https://web2.corp.local, health: off }
//! ```

use std::time::Duration as Time;

use serde_json::Value;

use super::Kind;
use crate::config::At;
use crate::config::decode::{Context, Decode};
use crate::config::section::section;
use crate::config::shape::Shape;
use crate::config::tree::Node;
use crate::config::value::{Duration, Number, ProbeTarget};
use crate::diagnostic::{Diagnostic, Place};

/// The word that switches probes off.
const OFF: &str = "off";
/// How long an answer may take where the file does not say it and the interval is not shorter.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Whether and how a server is probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Nobody asks.
    Off,
    /// A probe now and then.
    Probed(Probe),
}

section! {
    /// How a server is probed. Written as `off`, it is not.
    pub struct Probe {
        /// What a GET asks for, with the query if there is one, as the server sees it; it is shown to operators, so no place for secrets. Without it: `/icws/connection/version` for icws, `/websvcs/serverConfiguration` for webtools, `CgiTest` for webhtml; for http only a connection is made, TLS included.
        path: Option<At<ProbeTarget>> = optional,
        /// Time from one probe to the next, from 100ms to 1h. Each is up to a tenth shorter or longer, so that probes do not fall together.
        interval: At<Duration> = default Duration::from_secs(10),
        /// Time in which the head of the answer must be there, connection included, per probe; at most `interval`. Without it: 3s, or `interval` if that is shorter.
        timeout: Option<At<Duration>> = optional,
        /// Good probes in a row after which a server that was down is up again.
        rise: At<Number<1, 100>> = default Number::new(2),
        /// Failures in a row after which a server is down.
        fall: At<Number<1, 100>> = default Number::new(3),
        /// Status that says that the server works. Without it: any from 200 to 299. For icws and webtools 503 says that it stands by. Only with `path`.
        expect: Option<At<Number<200, 599>>> = optional,
    }
    finish check;
}

impl Health {
    /// Fills in what the kind asks for where the file says nothing.
    pub(super) fn finish(&mut self, kind: Kind, cx: &mut Context<'_>) {
        let Health::Probed(probe) = self else { return };
        if probe.path.is_none() {
            let question = crate::kinds::named(kind.word()).and_then(|kind| kind.question());
            probe.path = question
                .and_then(|path| path.parse::<ProbeTarget>().ok())
                .map(At::from);
        }
        if let (None, Some(expect)) = (&probe.path, &probe.expect) {
            cx.refuse(
                expect.place,
                "without a path nothing is asked for, so there is no status",
                "add `path: /`, or remove `expect`",
            );
        }
    }
}

impl Probe {
    /// How long the head of the answer may take.
    pub fn patience(&self) -> Time {
        self.timeout
            .as_ref()
            .map_or(TIMEOUT.get().min(self.interval.get()), |timeout| {
                timeout.get()
            })
    }
}

fn check(probe: &mut Probe, _: Place, cx: &mut Context<'_>) {
    let interval = &probe.interval;
    if !(Time::from_millis(100)..=Time::from_secs(3600)).contains(&interval.get()) {
        cx.refuse(
            interval.place,
            format!("{interval} is out of bounds"),
            "write a time from `100ms` to `1h`",
        );
    }
    if let Some(timeout) = probe
        .timeout
        .as_ref()
        .filter(|timeout| timeout.value > interval.value)
    {
        cx.note(
            Diagnostic::new(
                timeout.place,
                format!("a probe that takes {timeout} would not be over when the next one is due"),
            )
            .related(interval.place, "`interval` is here")
            .remedy(format!(
                "write at most `{interval}`, or a longer `interval`"
            )),
        );
    }
    let patience = probe.patience();
    probe.timeout.get_or_insert_with(|| {
        At::from(if patience < TIMEOUT.get() {
            interval.value
        } else {
            TIMEOUT
        })
    });
}

impl Decode for Health {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match node.text() {
            Some(OFF) => Some(Health::Off),
            Some(text) if !text.contains(':') => {
                cx.refuse(
                    node.place,
                    "expected a mapping, or `off`",
                    "write `off`, or for example `{ interval: 10s }`",
                );
                None
            }
            _ => Probe::decode(node, cx).map(Health::Probed),
        }
    }

    fn shape() -> Shape {
        Shape::WordOr(OFF, Box::new(Probe::shape()))
    }

    fn encode(&self) -> Value {
        match self {
            Health::Off => OFF.into(),
            Health::Probed(probe) => probe.encode(),
        }
    }
}
