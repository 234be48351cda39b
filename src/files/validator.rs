//! What identifies one state of one file: entity tag and modification time (RFC 9110 section 8.8).

use super::encoding::Encoding;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second an HTTP-date can name: the end of the year 9999.
const LAST_DATE: u64 = 253_402_300_799;

/// Size and modification time of a file when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Stamp {
            length: metadata.size(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        }
    }

    /// The file's length in bytes.
    pub(super) fn length(self) -> u64 {
        self.length
    }

    /// The modification time in seconds since 1970.
    pub(super) fn seconds(self) -> i64 {
        self.seconds
    }

    /// A strong entity tag, quotes included. It is the same on every machine the file was copied to with its time, and differs between a
    /// file and its variants (RFC 9110 section 8.8.3.3).
    pub(super) fn etag(self, encoding: Option<Encoding>) -> String {
        let variant = encoding.map_or("", |e| e.tag());
        format!(
            "\"{:x}-{:x}.{:x}{variant}\"",
            self.length, self.seconds, self.nanoseconds
        )
    }

    /// The modification time in whole seconds, never in the future (RFC 9110 section 8.8.2.1); `None` if no HTTP-date can say it.
    pub(super) fn modified(self) -> Option<SystemTime> {
        let seconds = u64::try_from(self.seconds)
            .ok()
            .filter(|s| *s <= LAST_DATE)?;
        let modified = UNIX_EPOCH + Duration::from_secs(seconds);
        let now = SystemTime::now();
        if modified <= now {
            return Some(modified);
        }
        now.duration_since(UNIX_EPOCH)
            .ok()
            .map(|since| UNIX_EPOCH + Duration::from_secs(since.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_no_date_can_say_are_left_out_and_future_ones_are_now() {
        let at = |seconds| {
            Stamp {
                length: 1,
                seconds,
                nanoseconds: 0,
            }
            .modified()
        };
        assert_eq!(at(-1), None);
        assert_eq!(at(i64::MAX), None);
        assert_eq!(at(0), Some(UNIX_EPOCH));
        assert!(at(LAST_DATE as i64).is_some_and(|t| t <= SystemTime::now()));
    }

    #[test]
    fn a_tag_differs_with_size_time_and_variant() {
        let stamp = Stamp {
            length: 10,
            seconds: 5,
            nanoseconds: 7,
        };
        let tags = [
            stamp.etag(None),
            stamp.etag(Some(Encoding::Gzip)),
            stamp.etag(Some(Encoding::Brotli)),
            Stamp {
                nanoseconds: 8,
                ..stamp
            }
            .etag(None),
            Stamp {
                length: 11,
                ..stamp
            }
            .etag(None),
        ];
        assert_eq!(
            tags.iter().collect::<std::collections::HashSet<_>>().len(),
            tags.len()
        );
    }
}
