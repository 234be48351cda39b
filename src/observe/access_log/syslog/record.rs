//! A line on its way to a receiver, with its own time before it: `2026-11-28T19:34:37.123Z{"time":...}` and a line feed.
//!
//! It is ASCII throughout. UTF-8 would have to begin with a byte order mark (RFC 5424, 6.4), which readers of JSON stumble over.
//!
//! ```ignore
//! record(&moment, Format::Json, &entry, &mut line);
//! let (time, text) = parts(&line).unwrap();
//! ```

use std::io::Write;

use crate::observe::access_log::Format;
use crate::observe::access_log::clock::{Moment, STAMP};
use crate::observe::access_log::entry::{Entry, NARROW};

/// Bytes of a line at most. With the head before it a message has no more than 8,192, which every receiver takes: what rsyslog takes
/// unless it is told otherwise.
pub(super) const LONGEST: usize = 8192 - 512;

/// Makes a record of a line as it stands in the file; of nothing it makes nothing.
pub(in crate::observe::access_log) fn record(
    moment: &Moment,
    format: Format,
    entry: &Entry<'_>,
    line: &mut Vec<u8>,
) {
    if line.is_empty() {
        return;
    }
    to_ascii(format, line);
    if line.len() > LONGEST {
        line.clear();
        entry.write_as(moment, format, &NARROW, line);
        to_ascii(format, line);
    }
    line.splice(..0, moment.stamp());
}

/// Time and text of a record.
pub(super) fn parts(record: &[u8]) -> Option<(&str, &[u8])> {
    let (stamp, text) = record.split_at_checked(STAMP)?;
    Some((std::str::from_utf8(stamp).ok()?, text))
}

/// What is not ASCII stands only where somebody else's text is, so it can be written as the format writes other letters.
fn to_ascii(format: Format, line: &mut Vec<u8>) {
    // PERF: nearly every line is ASCII already.
    if line.is_ascii() {
        return;
    }
    let mut ascii = Vec::with_capacity(line.len() * 2);
    for letter in String::from_utf8_lossy(line).chars() {
        // Writing to memory does not fail.
        let _ = match (letter.is_ascii(), format) {
            (true, _) => {
                ascii.push(letter as u8);
                Ok(())
            }
            (_, Format::Json) => letter
                .encode_utf16(&mut [0; 2])
                .iter()
                .try_for_each(|unit| write!(ascii, "\\u{unit:04x}")),
            (_, Format::Combined) => letter
                .encode_utf8(&mut [0; 4])
                .bytes()
                .try_for_each(|byte| write!(ascii, "\\x{byte:02x}")),
        };
    }
    *line = ascii;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn made(entry: &Entry<'_>, format: Format) -> Vec<u8> {
        let moment = Moment::of(UNIX_EPOCH + Duration::from_millis(1_795_894_477_042));
        let mut line = Vec::new();
        entry.write_at(&moment, format, &mut line);
        record(&moment, format, entry, &mut line);
        line
    }

    #[test]
    fn a_record_begins_with_the_time_of_its_line_and_is_ascii() {
        let entry = Entry {
            path: Some("/ü/😀"),
            method: Some("GET"),
            version: Some("HTTP/2"),
            ..Entry::default()
        };
        let json = made(&entry, Format::Json);
        let (stamp, text) = parts(&json).unwrap();
        assert_eq!(stamp, "2026-11-28T19:34:37.042Z");
        assert!(text.is_ascii());
        let value: serde_json::Value = serde_json::from_slice(text).unwrap();
        assert_eq!(value["path"], "/ü/😀");
        let combined = made(&entry, Format::Combined);
        let text = String::from_utf8(combined).unwrap();
        assert!(
            text.contains(r"GET /\xc3\xbc/\xf0\x9f\x98\x80 HTTP/2"),
            "{text}"
        );
    }

    #[test]
    fn whatever_a_client_sends_a_message_is_no_longer_than_receivers_take_and_still_json() {
        let foul = "\u{10ffff}\u{1}\"é".repeat(1000);
        let entry = Entry {
            path: Some(&foul),
            host: Some(&foul),
            method: Some(&foul),
            user_agent: Some(&foul),
            user: Some(&foul),
            ..Entry::default()
        };
        let line = made(&entry, Format::Json);
        assert!(line.len() < LONGEST, "{}", line.len());
        let (_, text) = parts(&line).unwrap();
        let value: serde_json::Value = serde_json::from_slice(text).unwrap();
        let path = value["path"].as_str().unwrap();
        assert!(foul.starts_with(path.strip_suffix('…').unwrap()));
        assert!(made(&entry, Format::Combined).len() < LONGEST);
    }
}
