//! How a server is probed, compiled: what the file says with the kind's defaults in it.

use std::time::Duration;

use super::Thresholds;

/// The rule of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What is asked for; `None`: a connection is enough.
    pub path: Option<Box<str>>,
    /// The status that is expected; `None`: any from 200 to 299.
    pub expect: Option<u16>,
    /// Whether 503 says that the server stands by.
    pub stands_by: bool,
    /// From one probe to the next.
    pub interval: Duration,
    /// From the beginning of a probe to the head of its answer.
    pub timeout: Duration,
    /// How many in a row it takes.
    pub thresholds: Thresholds,
}

/// What a status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The server works.
    Works,
    /// It is the backup.
    StandsBy,
    /// It does not answer as it should.
    Wrong,
}

impl Rule {
    /// What this status says of the server.
    pub fn judge(&self, status: u16) -> Meaning {
        judge(status, Some(self), self.stands_by)
    }
}

/// The same for a server that may have no rule.
pub fn judge(status: u16, rule: Option<&Rule>, stands_by: bool) -> Meaning {
    match (rule.and_then(|rule| rule.expect), status) {
        (Some(expect), _) if expect == status => Meaning::Works,
        (None, 200..=299) => Meaning::Works,
        (_, 503) if stands_by => Meaning::StandsBy,
        _ => Meaning::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_the_rule_makes_of_it() {
        let rule = |expect, stands_by| Rule {
            path: None,
            expect,
            stands_by,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(3),
            thresholds: Thresholds { rise: 2, fall: 3 },
        };
        for (expect, stands_by, status, verdict) in [
            (None, false, 200, Meaning::Works),
            (None, false, 204, Meaning::Works),
            (None, false, 302, Meaning::Wrong),
            (None, false, 503, Meaning::Wrong),
            (None, true, 503, Meaning::StandsBy),
            (None, true, 500, Meaning::Wrong),
            (Some(302), false, 302, Meaning::Works),
            (Some(302), false, 200, Meaning::Wrong),
            (Some(200), true, 503, Meaning::StandsBy),
            (Some(503), true, 503, Meaning::Works),
        ] {
            let judged = rule(expect, stands_by).judge(status);
            assert_eq!(judged, verdict, "{expect:?} {stands_by} {status}");
        }
    }
}
