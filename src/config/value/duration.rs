//! Lengths of time: `500ms`, `10s`, `15m`, `2h`, `1d`.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use super::{Refusal, digits_and_rest, quote};
use crate::config::decode::{TextValue, text_values};

/// A length of time of at least 1 ms and at most 10 years, in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(std::time::Duration);

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];
const LONGEST: u64 = 3650 * 86_400_000;

impl Duration {
    /// A number of seconds, for defaults; 0 becomes 1.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(if seconds == 0 {
            1
        } else {
            seconds
        }))
    }

    /// The same for the standard library.
    pub const fn get(self) -> std::time::Duration {
        self.0
    }
}

impl Deref for Duration {
    type Target = std::time::Duration;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl FromStr for Duration {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        const UNITS_ARE: &str = "the units are ms, s, m, h and d";
        let (digits, unit) = digits_and_rest(text);
        if digits.is_empty() {
            return Err(Refusal::new(
                format!("{} does not begin with a number", quote(text)),
                format!("write for example `10s`; {UNITS_ARE}"),
            ));
        }
        if unit.is_empty() {
            return Err(Refusal::new(
                format!("{} has no unit", quote(text)),
                format!("write `{text}s` for seconds; {UNITS_ARE}"),
            ));
        }
        let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let remedy = match unit.trim().to_ascii_lowercase().as_str() {
                "sec" | "secs" | "second" | "seconds" | "s" => format!("write `{digits}s`"),
                "min" | "mins" | "minute" | "minutes" | "m" => format!("write `{digits}m`"),
                "hour" | "hours" | "hr" | "hrs" | "h" => format!("write `{digits}h`"),
                "day" | "days" | "d" => format!("write `{digits}d`"),
                "msec" | "millis" | "ms" => format!("write `{digits}ms`"),
                unit if unit.starts_with('.') => {
                    "write a whole number of a smaller unit, such as `1500ms` for 1.5 seconds"
                        .to_owned()
                }
                unit if unit.contains(|c: char| c.is_ascii_digit()) => {
                    "write one number with one unit, such as `90m` for an hour and a half"
                        .to_owned()
                }
                _ => format!("write for example `{digits}s`; {UNITS_ARE}"),
            };
            return Err(Refusal::new(
                format!("{} has an unknown unit", quote(text)),
                remedy,
            ));
        };
        let too_long = || {
            Refusal::new(
                format!("{} is longer than ten years", quote(text)),
                "write at most `3650d`",
            )
        };
        let number: u64 = digits.parse().map_err(|_| too_long())?;
        let millis = number
            .checked_mul(*scale)
            .filter(|millis| *millis <= LONGEST)
            .ok_or_else(too_long)?;
        if millis == 0 {
            return Err(Refusal::new(
                "zero is not a length of time",
                "write at least `1ms`",
            ));
        }
        Ok(Self(std::time::Duration::from_millis(millis)))
    }
}

/// The largest unit that needs no fraction.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let unit = UNITS
            .iter()
            .rev()
            .find(|(_, scale)| millis.is_multiple_of(u128::from(*scale)));
        let (name, scale) = unit.unwrap_or(&UNITS[0]);
        write!(f, "{}{name}", millis / u128::from(*scale))
    }
}

impl TextValue for Duration {
    const WORD: &'static str = "duration";
    const PATTERN: &'static str = "^[0-9]+(ms|s|m|h|d)$";
    const EXAMPLE: &'static str = "10s";
}

text_values!(Duration);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_whole_numbers_with_a_unit() {
        for (text, millis) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("15m", 900_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
            ("007s", 7000),
        ] {
            assert_eq!(
                text.parse::<Duration>().map(|d| d.as_millis()),
                Ok(millis),
                "{text}"
            );
        }
    }

    #[test]
    fn everything_else_is_refused_with_what_to_write() {
        for (text, remedy) in [
            ("10", "write `10s`"),
            ("10 s", "write `10s`"),
            ("10sec", "write `10s`"),
            ("5min", "write `5m`"),
            ("1.5s", "1500ms"),
            ("1h30m", "90m"),
            ("0s", "1ms"),
            ("-1s", "10s"),
            ("", "10s"),
            ("9999d", "3650d"),
            ("99999999999999999999s", "3650d"),
            ("10\u{0661}s", "10s"),
        ] {
            let refusal = text.parse::<Duration>().expect_err(text);
            assert!(refusal.remedy.contains(remedy), "{text}: {refusal}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(millis in 1u64..=LONGEST) {
            let duration = Duration(std::time::Duration::from_millis(millis));
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Duration>();
        }
    }
}
