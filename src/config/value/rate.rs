//! Rates: `20/s`, `300/m`, `1000/h`.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::{Refusal, digits_and_rest, quote};
use crate::config::decode::{TextValue, text_values};

/// So many in a unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In which time.
    pub per: Per,
}

/// The unit of time of a [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Per {
    /// `/s`
    Second,
    /// `/m`
    Minute,
    /// `/h`
    Hour,
}

impl Per {
    /// Its length.
    pub const fn duration(self) -> std::time::Duration {
        std::time::Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
        })
    }
}

impl FromStr for Rate {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let (digits, rest) = digits_and_rest(text);
        let per = match rest {
            "/s" => Per::Second,
            "/m" => Per::Minute,
            "/h" => Per::Hour,
            "" if !digits.is_empty() => {
                return Err(Refusal::new(
                    format!("{} does not say in which time", quote(text)),
                    format!("write `{digits}/s`, `{digits}/m` or `{digits}/h`"),
                ));
            }
            _ => {
                return Err(Refusal::new(
                    format!("{} is not a number, a slash and a unit", quote(text)),
                    "write for example `20/s`, `300/m` or `1000/h`",
                ));
            }
        };
        let count = digits.parse().map_err(|_| {
            Refusal::new(
                format!(
                    "the number in {} is not between 1 and {}",
                    quote(text),
                    u32::MAX
                ),
                "write for example `20/s`",
            )
        })?;
        Ok(Self { count, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per {
            Per::Second => 's',
            Per::Minute => 'm',
            Per::Hour => 'h',
        };
        write!(f, "{}/{unit}", self.count)
    }
}

impl TextValue for Rate {
    const WORD: &'static str = "rate";
    const PATTERN: &'static str = "^[0-9]+/[smh]$";
    const EXAMPLE: &'static str = "20/s";
}

text_values!(Rate);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn everything_but_a_number_per_unit_is_refused_with_what_to_write() {
        for (text, remedy) in [
            ("20", "`20/s`"),
            ("20/sec", "20/s"),
            ("20 / s", "20/s"),
            ("0/s", "20/s"),
            ("/s", "20/s"),
            ("", "20/s"),
            ("4294967296/s", "20/s"),
            ("20/d", "20/s"),
        ] {
            let refusal = text.parse::<Rate>().expect_err(text);
            assert!(refusal.remedy.contains(remedy), "{text}: {refusal}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(count in 1u32.., unit in 0usize..3) {
            let per = [Per::Second, Per::Minute, Per::Hour][unit];
            let rate = Rate { count: NonZeroU32::new(count).unwrap(), per };
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Rate>();
        }
    }
}
