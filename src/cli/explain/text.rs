//! The lines that `explain` prints.

use crate::observe::line::counted;
use std::fmt::Write as _;
use std::time::Duration;

/// Labels on the left, what they mean on the right.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    /// A line without a label, at the left edge.
    pub(super) fn title(&mut self, title: &str) {
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "{title}");
    }

    /// A line; without a label it goes on with the one above.
    pub(super) fn line(&mut self, label: &str, value: &str) {
        let _ = writeln!(self.0, "  {label:<9} {value}");
    }

    /// Lines that belong together, with one label.
    pub(super) fn list(&mut self, label: &str, values: &[String]) {
        for (number, value) in values.iter().enumerate() {
            self.line(if number == 0 { label } else { "" }, value);
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Bytes in the unit that the file would use.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => counted(bytes, "byte"),
    }
}

/// A time in the largest unit that needs no fraction.
pub(super) fn time(time: Duration) -> String {
    match time.as_secs() {
        _ if time.subsec_nanos() > 0 => format!("{time:?}"),
        seconds if seconds >= 3600 && seconds.is_multiple_of(3600) => {
            format!("{} h", seconds / 3600)
        }
        seconds if seconds > 60 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
