//! The `log` section.

mod access;
mod syslog;

use super::At;
use super::choice::choice;
use super::section::section;
use super::value::FilePath;

pub use access::{AccessFormat, AccessLog};
pub use syslog::{Facility, Syslog};

section! {
    /// What the gateway says about itself.
    pub struct Log {
        /// How much is said.
        level: LogLevel = default LogLevel::Info,
        /// Where it is said. Without it: on standard error, which is the journal under systemd. Opened anew on SIGUSR1.
        file: Option<At<FilePath>> = optional,
        /// One line for each request. Without it there is none.
        access: Option<AccessLog> = optional,
    }
}

choice! {
    /// How much the gateway says about itself.
    pub enum LogLevel: "log level" {
        /// What went wrong and needs somebody.
        Error = "error",
        /// Also what looks wrong.
        Warn = "warn",
        /// Also starts, reloads and stops, and every connection and request that the gateway itself ended.
        Info = "info",
        /// Also why, in detail: what the path was read as, which certificate, which address.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}
