//! `log.access`: one line for each request, in a file, to a syslog receiver, or both.
//!
//! ```yaml
//! log: { access: { file: access.log, syslog: { to: "tls://logs.example.com:6514", ca: logs-ca.pem } } }
//! ```

use super::syslog::Syslog;
use crate::config::At;
use crate::config::choice::choice;
use crate::config::decode::Context;
use crate::config::section::{Fields, section};
use crate::config::value::FilePath;

section! {
    /// One line for each request, in a file, to a syslog receiver, or both.
    pub struct AccessLog {
        /// The file. Opened anew on SIGUSR1. A disk that is full keeps no request waiting: lines that find no room are dropped and counted.
        file: Option<At<FilePath>> = optional,
        /// How a line looks in the file: `json` has every field, `combined` is that of Apache and nginx.
        format: AccessFormat = default AccessFormat::Json,
        /// A syslog receiver that gets each line, beside the file or instead.
        syslog: Option<Syslog> = optional,
        /// Whether a line names the user who is signed in.
        users: bool = default true,
    }
    parts AccessLogParts check;
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

fn check(access: AccessLogParts<'_>, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    if fields.node("file").is_some() {
        return;
    }
    if fields.node("syslog").is_none() {
        cx.refuse(
            fields.place,
            "neither `file` nor `syslog` is written here",
            "write one of them or both, or remove `access` for no access log",
        );
    }
    // `--show` prints the default.
    if access.format == Some(&AccessFormat::Combined) {
        cx.refuse(
            fields.key_place("format"),
            "`format` is that of the file, and there is none",
            "write `format` within `syslog`",
        );
    }
}
