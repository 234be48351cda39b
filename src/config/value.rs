//! The types of single values: nothing after the configuration is loaded sees a text that is parsed later.
//!
//! Each is written as one text, has `FromStr` with an error that says what to write instead, and `Display` that writes it back.
//!
//! ```
//! use portcullis::config::value::Duration;
//!
//! let idle: Duration = "90s".parse().unwrap();
//! assert_eq!(idle.as_secs(), 90);
//! assert_eq!("90".parse::<Duration>().unwrap_err().remedy, "write `90s` for seconds; the units are ms, s, m, h and d");
//! ```

mod app_name;
mod byte_size;
mod duration;
mod file_path;
mod file_pattern;
mod header_name;
mod host;
mod lifetime;
mod method;
mod names;
mod network;
mod number;
mod path_pattern;
mod path_prefix;
mod probe_target;
mod rate;
mod redirect;
mod secret;
mod server_url;
mod short_text;
mod socket_addr;
mod syslog_url;
mod tls_version;
mod trusted_host;
mod url_template;

use thiserror::Error;

use super::decode::article;
use crate::diagnostic::{Diagnostic, Place};

pub use app_name::AppName;
pub use byte_size::ByteSize;
pub use duration::Duration;
pub use file_path::FilePath;
pub use file_pattern::FilePattern;
pub use header_name::HeaderName;
pub use host::{HostKey, HostName};
pub use lifetime::Lifetime;
pub use method::Method;
pub use names::{PairName, ServerName};
pub use network::IpNet;
pub use number::Number;
pub use path_pattern::PathPattern;
pub use path_prefix::PathPrefix;
pub use probe_target::ProbeTarget;
pub use rate::{Per, Rate};
pub use redirect::Redirect;
pub use secret::{EnvName, Secret, SecretSource};
pub use server_url::{Scheme, ServerUrl};
pub use short_text::{CipherList, DisplayName};
pub use std::net::SocketAddr;
pub use syslog_url::{SyslogUrl, Transport};
pub use tls_version::TlsVersion;
pub use trusted_host::TrustedHost;
pub use url_template::{RelativePath, UrlTemplate};

/// Why a text is not a value of its type, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}; {remedy}")]
pub struct Refusal {
    /// What is wrong, with the offending text.
    pub reason: String,
    /// What to write, as a command: "write `10s`".
    pub remedy: String,
    /// The text may hold a secret, so nothing of it may be repeated anywhere.
    pub sensitive: bool,
}

impl Refusal {
    /// A refusal with its reason and remedy.
    pub fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: remedy.into(),
            sensitive: false,
        }
    }

    /// A refusal of a text that may hold a secret; the reason must not repeat it.
    fn sensitive(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            sensitive: true,
            ..Self::new(reason, remedy)
        }
    }

    /// The same as a mistake at a place of the file, where a `word` was expected.
    pub(super) fn at(self, place: Place, word: &str) -> Diagnostic {
        let message = format!("not {}: {}", article(word), self.reason);
        let diagnostic = Diagnostic::new(place, message).remedy(self.remedy);
        if self.sensitive {
            diagnostic.sensitive()
        } else {
            diagnostic
        }
    }
}

/// A text from the file, made short and printable for a message.
fn quote(text: &str) -> String {
    let short: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    let more = if text.chars().nth(60).is_some() {
        "..."
    } else {
        ""
    };
    format!("`{short}{more}`")
}

/// Splits `10s` into its digits and what follows them.
fn digits_and_rest(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}
