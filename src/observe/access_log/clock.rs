//! A moment as access logs write it, in UTC.
//!
//! ```text
//! 2026-11-28T19:34:37.123Z          JSON (RFC 3339)
//! 28/Nov/2026:19:34:37 +0000        combined
//! ```

use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of `2026-11-28T19:34:37.123Z`.
pub(super) const STAMP: usize = 24;

/// A moment of the calendar.
pub(super) struct Moment {
    pub year: u64,
    pub month: usize,
    pub day: u64,
    pub hour: u64,
    pub minute: u64,
    pub second: u64,
    pub millisecond: u32,
}

/// Names of months, as the combined format has them.
pub(super) const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl Moment {
    pub(super) fn of(time: SystemTime) -> Moment {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, rest) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        // Years that begin with March, so that the day that comes and goes is their last (400 of them have 146,097 days).
        let days = days + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Moment {
            year: era * 400 + year + u64::from(month <= 2),
            month: usize::try_from(month).unwrap_or(1),
            day: of_year - (153 * from_march + 2) / 5 + 1,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            millisecond: since.subsec_millis(),
        }
    }

    /// As RFC 3339 has it, for JSON and syslog.
    pub(super) fn stamp(&self) -> [u8; STAMP] {
        let mut stamp = *b"0000-00-00T00:00:00.000Z";
        let (year, milli) = (digits::<4>(self.year), u64::from(self.millisecond));
        stamp[..4].copy_from_slice(&year);
        for (at, number) in [
            (5, self.month as u64),
            (8, self.day),
            (11, self.hour),
            (14, self.minute),
            (17, self.second),
        ] {
            stamp[at..at + 2].copy_from_slice(&digits::<2>(number));
        }
        stamp[20..23].copy_from_slice(&digits::<3>(milli));
        stamp
    }
}

/// A number in decimal, with exactly so many digits: the last ones.
pub(super) fn digits<const COUNT: usize>(mut number: u64) -> [u8; COUNT] {
    let mut digits = [b'0'; COUNT];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, (1970, 1, 1, 0)),
            (951_782_400, (2000, 2, 29, 0)),
            (1_709_251_199, (2024, 2, 29, 23)),
            (1_709_251_200, (2024, 3, 1, 0)),
            (4_107_542_400, (2100, 3, 1, 0)),
            (1_795_894_477, (2026, 11, 28, 19)),
        ] {
            let moment = Moment::of(UNIX_EPOCH + Duration::from_secs(seconds));
            let told = (moment.year, moment.month, moment.day, moment.hour);
            assert_eq!(told, expected, "{seconds}");
        }
        let moment = Moment::of(UNIX_EPOCH + Duration::from_millis(1_795_894_477_042));
        assert_eq!(&moment.stamp(), b"2026-11-28T19:34:37.042Z");
    }
}
