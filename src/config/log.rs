//! The `log` section.

use super::choice::choice;
use super::section::section;

section! {
    /// What the gateway says about itself.
    pub struct Log {
        /// How much is said.
        level: LogLevel = default LogLevel::Info,
    }
    planned ["access"];
}

choice! {
    /// How much the gateway says about itself.
    pub enum LogLevel: "log level" {
        /// What went wrong and needs somebody.
        Error = "error",
        /// Also what looks wrong.
        Warn = "warn",
        /// Also starts, reloads and stops.
        Info = "info",
        /// Also what happens to single connections and requests.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}
