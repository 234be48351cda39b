//! From single signs of life to a condition: how many in a row it takes. Pure: no clock, no network.
//!
//! ```text
//!            works            rise x works
//! unknown ──────────> up <───────────────────┐
//!    │                 │ fall x fails        │
//!    │  fails          v        rise x works │
//!    └──────────────> down ──────────────────┘      standby is as up, for servers that say so
//! ```
//!
//! The first probe of a server decides by itself. Between `up` and `standby` it takes `rise` answers of the other sort in a row, so
//! that a server that is just changing over does not flap. Requests that get no connection count with the probes that fail, and one
//! that is answered takes them back. More it does not: a server whose own health page says no answers other requests all the same,
//! and would flap between the two.
//!
//! ```
//! use portcullis::upstream::health::{Condition, Sign, Tally, Thresholds};
//! let (mut tally, rule) = (Tally::default(), Thresholds { rise: 2, fall: 3 });
//! assert_eq!(tally.see(Sign::Works, rule), Condition::Up);
//! tally.see(Sign::Fails, rule);
//! tally.see(Sign::Fails, rule);
//! assert_eq!(tally.see(Sign::Fails, rule), Condition::Down);
//! tally.see(Sign::Works, rule);
//! assert_eq!(tally.see(Sign::Works, rule), Condition::Up);
//! ```

/// How a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition {
    /// `health: off`: nobody asks.
    Unchecked,
    /// No probe has come back yet.
    #[default]
    Unknown,
    /// It works.
    Up,
    /// It is there and sends everybody to another: the backup of a pair.
    Standby,
    /// It cannot be reached, or does not answer as it should.
    Down,
}

impl Condition {
    /// Every one of them.
    pub const ALL: [Condition; 5] = [
        Condition::Unchecked,
        Condition::Unknown,
        Condition::Up,
        Condition::Standby,
        Condition::Down,
    ];

    /// The word for it, in the API and in the log.
    pub fn word(self) -> &'static str {
        match self {
            Condition::Unchecked => "unchecked",
            Condition::Unknown => "unknown",
            Condition::Up => "up",
            Condition::Standby => "standby",
            Condition::Down => "down",
        }
    }
}

/// What was seen of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// A probe was answered well.
    Works,
    /// A probe was told that this is the backup.
    StandsBy,
    /// A probe failed.
    Fails,
    /// A request was answered, with whatever status.
    Answered,
    /// A request got no connection.
    NoConnection,
}

/// How many in a row it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thresholds {
    /// From down to up.
    pub rise: u32,
    /// To down.
    pub fall: u32,
}

/// What has been seen so far.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    condition: Condition,
    /// Probes that failed and requests without a connection, in a row.
    failed: u32,
    unreached: u32,
    /// Probes in a row that speak for another condition than the present one.
    good: u32,
}

impl Tally {
    /// A server of which nothing is known; `checked` says whether anybody asks.
    pub fn new(checked: bool) -> Self {
        Tally {
            condition: match checked {
                true => Condition::Unknown,
                false => Condition::Unchecked,
            },
            ..Tally::default()
        }
    }

    /// The condition now.
    pub fn condition(&self) -> Condition {
        self.condition
    }

    /// Failures in a row up to now.
    pub fn failures(&self) -> u32 {
        self.failed.saturating_add(self.unreached)
    }

    /// One more sign. Returns the condition after it.
    pub fn see(&mut self, sign: Sign, rule: Thresholds) -> Condition {
        if self.condition == Condition::Unchecked {
            return self.condition;
        }
        match sign {
            Sign::Works => self.well(Condition::Up, rule),
            Sign::StandsBy => self.well(Condition::Standby, rule),
            Sign::Answered => self.unreached = 0,
            Sign::Fails => {
                self.failed = self.failed.saturating_add(1);
                self.fails(self.condition == Condition::Unknown, rule);
            }
            Sign::NoConnection => {
                self.unreached = self.unreached.saturating_add(1);
                self.fails(false, rule);
            }
        }
        self.condition
    }

    fn fails(&mut self, decides: bool, rule: Thresholds) {
        self.good = 0;
        if decides || self.failures() >= rule.fall {
            self.condition = Condition::Down;
        }
    }

    fn well(&mut self, told: Condition, rule: Thresholds) {
        (self.failed, self.unreached) = (0, 0);
        if self.condition == told {
            self.good = 0;
            return;
        }
        self.good += 1;
        // From down it is the last of them that says which; the others were answers all the same.
        if self.condition == Condition::Unknown || self.good >= rule.rise {
            self.condition = told;
            self.good = 0;
        }
    }
}

#[cfg(test)]
mod tests;
