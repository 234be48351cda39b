//! How long a browser may keep a file: a duration, or `never`.

use std::fmt;
use std::str::FromStr;

use super::{Duration, Refusal};
use crate::config::decode::{TextValue, text_values};

/// How long a file may be kept without asking for it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lifetime {
    /// Ask every time.
    Never,
    /// Keep it so long.
    For(Duration),
}

impl FromStr for Lifetime {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let duration = text.parse().map_err(|refusal: Refusal| {
            Refusal::new(
                refusal.reason,
                format!("{}; or write `never`", refusal.remedy),
            )
        })?;
        Ok(Self::For(duration))
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::For(duration) => duration.fmt(f),
        }
    }
}

impl TextValue for Lifetime {
    const WORD: &'static str = "duration or `never`";
    const PATTERN: &'static str = "^(never|[0-9]+(ms|s|m|h|d))$";
    const EXAMPLE: &'static str = "15m";
}

text_values!(Lifetime);
