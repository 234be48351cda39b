//! A line in the combined format of Apache and nginx.

use super::number::{address, decimal, two};
use super::text::apache;
use super::{Entry, Widths};
use crate::observe::access_log::clock::{MONTHS, Moment};

pub(super) fn write(entry: &Entry<'_>, at: &Moment, most: &Widths, line: &mut Vec<u8>) {
    match entry.client {
        Some(client) => address(line, client),
        None => line.push(b'-'),
    }
    line.extend_from_slice(b" - ");
    // A space would be the end of the column.
    for (number, word) in entry.user.unwrap_or("-").split(' ').enumerate() {
        if number > 0 {
            line.extend_from_slice(br"\x20");
        }
        apache(line, word, most.word);
    }
    line.extend_from_slice(b" [");
    two(line, at.day);
    line.push(b'/');
    let month = MONTHS.get(at.month - 1).unwrap_or(&"-");
    line.extend_from_slice(month.as_bytes());
    line.push(b'/');
    decimal(line, at.year);
    for number in [at.hour, at.minute, at.second] {
        line.push(b':');
        two(line, number);
    }
    line.extend_from_slice(b" +0000] \"");
    match (entry.method, entry.path, entry.version) {
        (Some(method), Some(path), Some(version)) => {
            apache(line, method, most.word);
            line.push(b' ');
            apache(line, path, most.path);
            line.push(b' ');
            line.extend_from_slice(version.as_bytes());
        }
        _ => line.push(b'-'),
    }
    line.extend_from_slice(b"\" ");
    match entry.status {
        // Apache writes a request without an answer so, too.
        0 => line.extend_from_slice(b"000"),
        status => decimal(line, status),
    }
    line.push(b' ');
    decimal(line, entry.sent);
    line.extend_from_slice(b" \"-\" \"");
    apache(line, entry.user_agent.unwrap_or("-"), most.word);
    line.extend_from_slice(b"\"\n");
}
