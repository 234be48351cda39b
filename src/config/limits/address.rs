//! What one client address may use: rates, numbers at a time, and the ban that too many refusals lead to.
//!
//! ```yaml
//! limits:
//!   connections: 64
//!   requests: { rate: 50/s, burst: 100, mode: observe }
//!   ban: { refusals: 200, within: 10s, for: 10m }
//! ```

use std::num::NonZeroU32;

use serde_json::{Value, json};

use crate::config::At;
use crate::config::choice::choice;
use crate::config::decode::{Context, Decode};
use crate::config::section::section;
use crate::config::shape::Shape;
use crate::config::tree::{Data, Node};
use crate::config::value::{Duration, Number, Per, Rate};
use crate::diagnostic::Place;

choice! {
    /// What a limit does.
    pub enum Mode: "mode" {
        /// What exceeds it is refused.
        Enforce = "enforce",
        /// What exceeds it is counted, logged and shown, and passes.
        Observe = "observe",
        /// Nothing is looked at.
        Off = "off",
    }
}

impl Mode {
    /// The milder of the two: `limits.mode` and a limit's own.
    pub fn mildest(self, other: Option<&At<Mode>>) -> Mode {
        match (self, other.map(|mode| mode.value)) {
            (Mode::Off, _) | (_, Some(Mode::Off)) => Mode::Off,
            (Mode::Observe, _) | (_, Some(Mode::Observe)) => Mode::Observe,
            (Mode::Enforce, Some(Mode::Enforce) | None) => Mode::Enforce,
        }
    }
}

section! {
    /// How often something may happen. In any time `t` it happens at most `burst + rate x t` times.
    pub struct RateLimit {
        /// So often, evenly spread.
        rate: At<Rate> = required,
        /// So many at once, after a pause. Without it: as many as the number in `rate`.
        burst: Option<At<Number<1, 1_000_000>>> = optional,
        /// Without it: that of `limits`. The milder of the two counts.
        mode: Option<At<Mode>> = optional,
    }
}

impl RateLimit {
    /// So many a second, and so many at once; for defaults.
    pub(super) fn per_second(count: u32, burst: u32) -> Self {
        let count = NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let per = Per::Second;
        RateLimit {
            rate: Rate { count, per }.into(),
            burst: Some(At::from(Number::new(burst))),
            mode: None,
        }
    }

    /// What may come at once.
    pub fn burst(&self) -> NonZeroU32 {
        let written = self.burst.as_ref().map(|burst| burst.get());
        written.and_then(NonZeroU32::new).unwrap_or(self.rate.count)
    }
}

/// So many at the same time: written as the number alone, or with a mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// The number.
    pub most: At<Number<1, 1_000_000>>,
    /// `None`: that of `limits`.
    pub mode: Option<At<Mode>>,
}

section! {
    struct CapWithMode {
        most: At<Number<1, 1_000_000>> = required,
        mode: Option<At<Mode>> = optional,
    }
}

impl Cap {
    pub(super) fn new(most: u32) -> Self {
        Cap {
            most: Number::new(most).into(),
            mode: None,
        }
    }
}

impl Decode for Cap {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if matches!(node.data, Data::Map(_)) {
            let CapWithMode { most, mode } = CapWithMode::decode(node, cx)?;
            return Some(Cap { most, mode });
        }
        let most = Decode::decode(node, cx)?;
        Some(Cap { most, mode: None })
    }

    fn shape() -> Shape {
        let number = json!({ "type": "integer", "minimum": 1, "maximum": 1_000_000 });
        let modes: Vec<&str> = [Mode::Enforce, Mode::Observe, Mode::Off]
            .map(Mode::word)
            .to_vec();
        let with_mode = json!({
            "type": "object",
            "properties": { "most": number, "mode": { "enum": modes } },
            "required": ["most"],
            "additionalProperties": false,
        });
        let schema = json!({ "anyOf": [number, with_mode] });
        Shape::value("number, or `{ most: 64, mode: observe }`", "64", schema)
    }

    fn encode(&self) -> Value {
        match &self.mode {
            None => self.most.encode(),
            Some(mode) => json!({ "most": self.most.encode(), "mode": mode.encode() }),
        }
    }
}

section! {
    /// When an address is shut out for a while: nothing from it is accepted then, before TLS and without an answer.
    pub struct Ban {
        /// So many refusals of the gateway itself lead to it (limits, malformed requests, unknown paths; never a server's answer).
        refusals: At<Number<1, 60_000>> = default Number::new(500),
        /// Within this time, from 1s to 1h.
        within: At<Duration> = default Duration::from_secs(10),
        /// How long the address is shut out.
        lasts as "for": At<Duration> = default Duration::from_secs(600),
        /// Without it: that of `limits`. The milder of the two counts.
        mode: Option<At<Mode>> = optional,
    }
    finish check_ban;
}

fn check_ban(ban: &mut Ban, _: Place, cx: &mut Context<'_>) {
    if !(1..=3600).contains(&ban.within.as_secs()) {
        cx.refuse(
            ban.within.place,
            format!("{} is out of bounds", *ban.within),
            "write a time from `1s` to `1h`",
        );
    }
}

section! {
    /// What one client address may use of a route, or of all routes to servers of one kind. It comes on top of `limits`.
    pub struct RouteLimits {
        /// Requests, per client address and this scope. Without it: no limit of its own.
        requests: Option<At<RateLimit>> = optional,
        /// Requests at the same time, per client address and this scope; a WebSocket or event stream is one as long as it lasts. Without it: no limit of its own.
        requests_in_flight: Option<At<Cap>> = optional,
    }
}

section! {
    /// Limits for all routes to servers of one kind together.
    pub struct KindLimits {
        /// Per client address over all routes of kind `icws`.
        icws: Option<At<RouteLimits>> = optional,
        /// Per client address over all routes of kind `webtools`.
        webtools: Option<At<RouteLimits>> = optional,
        /// Per client address over all routes of kind `webhtml`.
        webhtml: Option<At<RouteLimits>> = optional,
        /// Per client address over all routes of kind `http`.
        http: Option<At<RouteLimits>> = optional,
    }
}

impl KindLimits {
    /// Those of the kind with this name.
    pub fn of(&self, kind: &str) -> Option<&RouteLimits> {
        let written = match kind {
            "icws" => &self.icws,
            "webtools" => &self.webtools,
            "webhtml" => &self.webhtml,
            "http" => &self.http,
            _ => &None,
        };
        written.as_ref().map(|limits| &limits.value)
    }
}
