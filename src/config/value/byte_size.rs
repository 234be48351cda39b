//! Amounts of bytes: `512B`, `32KiB`, `15MiB`, `1GiB`.

use std::fmt;
use std::str::FromStr;

use super::{Refusal, digits_and_rest, quote};
use crate::config::decode::{TextValue, text_values};

/// A number of bytes from 1 to 1 TiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

const UNITS: [(&str, u64); 4] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];
const LARGEST: u64 = 1 << 40;

impl ByteSize {
    /// A number of bytes, for defaults; 0 becomes 1.
    pub const fn b(number: u32) -> Self {
        Self(if number == 0 { 1 } else { number as u64 })
    }

    /// A number of KiB, for defaults; 0 becomes 1.
    pub const fn kib(number: u32) -> Self {
        Self((if number == 0 { 1 } else { number as u64 }) << 10)
    }

    /// A number of MiB, for defaults; 0 becomes 1.
    pub const fn mib(number: u32) -> Self {
        Self::kib(number).times_1024()
    }

    const fn times_1024(self) -> Self {
        Self(self.0 << 10)
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        const UNITS_ARE: &str = "the units are B, KiB, MiB and GiB";
        let (digits, unit) = digits_and_rest(text);
        if digits.is_empty() {
            return Err(Refusal::new(
                format!("{} does not begin with a number", quote(text)),
                format!("write for example `15MiB`; {UNITS_ARE}"),
            ));
        }
        if unit.is_empty() {
            return Err(Refusal::new(
                format!("{} has no unit", quote(text)),
                format!("write `{text}B` for bytes; {UNITS_ARE}"),
            ));
        }
        let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let remedy = match unit.trim().to_ascii_lowercase().as_str() {
                "b" | "byte" | "bytes" => format!("write `{digits}B`"),
                "k" | "kb" | "kib" => format!("write `{digits}KiB` (1 KiB = 1024 bytes)"),
                "m" | "mb" | "mib" => format!("write `{digits}MiB` (1 MiB = 1024 KiB)"),
                "g" | "gb" | "gib" => format!("write `{digits}GiB` (1 GiB = 1024 MiB)"),
                unit if unit.starts_with('.') => {
                    "write a whole number of a smaller unit, such as `1536KiB` for 1.5 MiB"
                        .to_owned()
                }
                _ => format!("write for example `{digits}MiB`; {UNITS_ARE}"),
            };
            return Err(Refusal::new(
                format!("{} has an unknown unit", quote(text)),
                remedy,
            ));
        };
        let too_large = || {
            Refusal::new(
                format!("{} is more than 1024 GiB", quote(text)),
                "write at most `1024GiB`",
            )
        };
        let number: u64 = digits.parse().map_err(|_| too_large())?;
        let bytes = number
            .checked_mul(*scale)
            .filter(|bytes| *bytes <= LARGEST)
            .ok_or_else(too_large)?;
        if bytes == 0 {
            return Err(Refusal::new(
                "zero bytes would let nothing through",
                "write at least `1B`",
            ));
        }
        Ok(Self(bytes))
    }
}

/// The largest unit that needs no fraction.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS
            .iter()
            .rev()
            .find(|(_, scale)| self.0.is_multiple_of(*scale));
        let (name, scale) = unit.unwrap_or(&UNITS[0]);
        write!(f, "{}{name}", self.0 / scale)
    }
}

impl TextValue for ByteSize {
    const WORD: &'static str = "byte size";
    const PATTERN: &'static str = "^[0-9]+(B|KiB|MiB|GiB)$";
    const EXAMPLE: &'static str = "15MiB";
}

text_values!(ByteSize);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_whole_numbers_with_a_binary_unit() {
        for (text, bytes) in [
            ("512B", 512),
            ("32KiB", 32_768),
            ("15MiB", 15_728_640),
            ("1GiB", 1 << 30),
            ("1024GiB", 1 << 40),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        assert_eq!(
            (ByteSize::kib(32), ByteSize::mib(15)),
            (ByteSize(32_768), ByteSize(15_728_640))
        );
    }

    #[test]
    fn everything_else_is_refused_with_what_to_write() {
        for (text, remedy) in [
            ("10", "write `10B`"),
            ("10KB", "write `10KiB`"),
            ("10kb", "write `10KiB`"),
            ("15M", "write `15MiB`"),
            ("1 GiB", "write `1GiB`"),
            ("1.5MiB", "1536KiB"),
            ("0B", "1B"),
            ("-1B", "15MiB"),
            ("", "15MiB"),
            ("1025GiB", "1024GiB"),
            ("99999999999999999999B", "1024GiB"),
        ] {
            let refusal = text.parse::<ByteSize>().expect_err(text);
            assert!(refusal.remedy.contains(remedy), "{text}: {refusal}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(bytes in 1u64..=LARGEST) {
            prop_assert_eq!(ByteSize(bytes).to_string().parse(), Ok(ByteSize(bytes)));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<ByteSize>();
        }
    }
}
