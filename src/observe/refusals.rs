//! The log lines about refusals: a flood of them is told by the number, not line by line.
//!
//! Each reason has a small budget of lines. What goes beyond is counted, and the next line of the same reason, or the next
//! [`RefusalLog::flush`], says how many there were.
//!
//! ```
//! use portcullis::observe::refusals::RefusalLog;
//! use portcullis::reason::Reason;
//! let log = RefusalLog::default();
//! assert_eq!(log.may_tell(Reason::UnknownPath), Some(0));
//! ```

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use log::info;

use super::line::counted;
use crate::reason::Reason;

/// Lines of one reason that may come at once.
const BURST: u32 = 20;
/// After so long there may be one more.
const EVERY: Duration = Duration::from_millis(500);

/// What has been told of each reason.
#[derive(Debug)]
pub struct RefusalLog {
    reasons: Mutex<Vec<Told>>,
}

#[derive(Debug, Clone)]
struct Told {
    lines_left: u32,
    refilled: Instant,
    silent: u64,
}

impl Default for RefusalLog {
    fn default() -> Self {
        let told = Told {
            lines_left: BURST,
            refilled: Instant::now(),
            silent: 0,
        };
        RefusalLog {
            reasons: Mutex::new(vec![told; Reason::ALL.len()]),
        }
    }
}

impl RefusalLog {
    /// Whether a line about this reason may be written now, and how many were left out since the last one. `None`: it is counted.
    pub fn may_tell(&self, reason: Reason) -> Option<u64> {
        self.may_tell_at(reason, Instant::now())
    }

    fn may_tell_at(&self, reason: Reason, now: Instant) -> Option<u64> {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        // Every reason has its place: the list is as long as the enum.
        let told = reasons.get_mut(reason as usize)?;
        let since = now.saturating_duration_since(told.refilled);
        let earned = u32::try_from(since.as_millis() / EVERY.as_millis()).unwrap_or(u32::MAX);
        if earned > 0 {
            told.lines_left = told.lines_left.saturating_add(earned).min(BURST);
            told.refilled = now;
        }
        let Some(left) = told.lines_left.checked_sub(1) else {
            told.silent = told.silent.saturating_add(1);
            return None;
        };
        told.lines_left = left;
        Some(std::mem::take(&mut told.silent))
    }

    /// Tells of what was left out and not made up for by a later line. Called every few seconds.
    pub fn flush(&self) {
        for (reason, silent) in self.take_silent() {
            info!("{}: {}", counted(silent, "more refusal"), reason.code());
        }
    }

    fn take_silent(&self) -> Vec<(Reason, u64)> {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = reasons
            .iter_mut()
            .map(|told| std::mem::take(&mut told.silent));
        Reason::ALL
            .iter()
            .copied()
            .zip(silent)
            .filter(|(_, silent)| *silent > 0)
            .collect()
    }
}

/// The end of a line about a refusal: how many were left out before it.
pub fn and_more(silent: u64) -> String {
    match silent {
        0 => String::new(),
        more => format!(" (and {more} more like this before)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_in_few_lines_and_none_is_lost_from_the_count() {
        let log = RefusalLog::default();
        let start = Instant::now();
        let (mut lines, mut made_up) = (0, 0);
        for step in 0..100_000 {
            let now = start + Duration::from_micros(100) * step;
            if let Some(silent) = log.may_tell_at(Reason::RequestRate, now) {
                (lines, made_up) = (lines + 1, made_up + silent);
            }
        }
        // Ten seconds.
        assert!(lines <= 20 + BURST as usize, "{lines} lines");
        let rest: u64 = log.take_silent().iter().map(|(_, silent)| silent).sum();
        assert_eq!(lines as u64 + made_up + rest, 100_000);
        assert!(log.take_silent().is_empty());
    }

    #[test]
    fn a_flood_of_one_reason_hides_no_other() {
        let log = RefusalLog::default();
        let now = Instant::now();
        while log.may_tell_at(Reason::RequestRate, now).is_some() {}
        assert_eq!(log.may_tell_at(Reason::UnknownHost, now), Some(0));
    }
}
