//! The `log` section.

use super::At;
use super::choice::choice;
use super::section::section;
use super::value::FilePath;

section! {
    /// What the gateway says about itself.
    pub struct Log {
        /// How much is said.
        level: LogLevel = default LogLevel::Info,
        /// Where it is said. Without it: on standard error, which is the journal under systemd. Opened anew on SIGUSR1.
        file: Option<At<FilePath>> = optional,
        /// One line for each request, in a file of its own. Without it there is none.
        access: Option<AccessLog> = optional,
    }
}

section! {
    /// One line for each request.
    pub struct AccessLog {
        /// The file. Opened anew on SIGUSR1. A disk that is full keeps no request waiting: lines that find no room are dropped and counted.
        file: At<FilePath> = required,
        /// How a line looks: `json` has every field, `combined` is that of Apache and nginx.
        format: AccessFormat = default AccessFormat::Json,
    }
    planned ["syslog"];
}

choice! {
    /// How a line of the access log looks.
    pub enum AccessFormat: "format of the access log" {
        /// One JSON object in a line.
        Json = "json",
        /// The combined format of Apache and nginx.
        Combined = "combined",
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
