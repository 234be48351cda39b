//! A line as one JSON object.

use std::io::Write;
use std::time::Duration;

use super::number::{address, decimal, seconds, socket};
use super::text::json;
use super::{Entry, Event, Widths};
use crate::observe::access_log::clock::Moment;

pub(super) fn write(entry: &Entry<'_>, at: &Moment, most: &Widths, line: &mut Vec<u8>) {
    line.extend_from_slice(br#"{"time":""#);
    line.extend_from_slice(&at.stamp());
    line.push(b'"');
    let event = match entry.event {
        Event::Request => None,
        Event::Start => Some("start"),
        Event::End => Some("end"),
    };
    text(line, r#","stream":""#, event, most.word);
    if let Some(id) = entry.id {
        // Letters and digits, and few others that need no escape. Writing to memory does not fail.
        let _ = write!(line, r#","id":"{id}""#);
    }
    if let Some(client) = entry.client {
        line.extend_from_slice(br#","client":""#);
        address(line, client);
        line.push(b'"');
    }
    text(line, r#","user":""#, entry.user, most.word);
    if let Some(listener) = entry.listener {
        line.extend_from_slice(br#","listener":""#);
        socket(line, listener);
        line.push(b'"');
    }
    text(line, r#","host":""#, entry.host, most.word);
    text(line, r#","method":""#, entry.method, most.word);
    text(line, r#","path":""#, entry.path, most.path);
    text(line, r#","version":""#, entry.version, most.word);
    number(line, r#","status":"#, u64::from(entry.status));
    text(line, r#","route":""#, entry.route, most.path);
    text(line, r#","server":""#, entry.server, most.word);
    text(line, r#","kind":""#, entry.kind, most.word);
    if let Some(status) = entry.upstream_status {
        number(line, r#","upstream_status":"#, u64::from(status));
    }
    time(line, r#","duration":"#, entry.duration);
    time(line, r#","upstream_connect":"#, entry.upstream_connect);
    if let Some(reused) = entry.upstream_reused {
        line.extend_from_slice(match reused {
            true => br#","upstream_reused":true"#,
            false => br#","upstream_reused":false"#,
        });
    }
    let first_byte = entry.upstream_first_byte;
    time(line, r#","upstream_first_byte":"#, first_byte);
    number(line, r#","bytes_in":"#, entry.received);
    number(line, r#","bytes_out":"#, entry.sent);
    text(line, r#","tls":""#, entry.tls, most.word);
    text(line, r#","reason":""#, entry.reason, most.word);
    text(line, r#","limit":""#, entry.limit, most.word);
    text(line, r#","user_agent":""#, entry.user_agent, most.word);
    line.extend_from_slice(b"}\n");
}

/// PERF: the key comes with everything around it, in one piece.
fn text(line: &mut Vec<u8>, key: &str, value: Option<&str>, most: usize) {
    let Some(value) = value else { return };
    line.extend_from_slice(key.as_bytes());
    json(line, value, most);
    line.push(b'"');
}

fn number(line: &mut Vec<u8>, key: &str, value: u64) {
    line.extend_from_slice(key.as_bytes());
    decimal(line, value);
}

fn time(line: &mut Vec<u8>, key: &str, value: Option<Duration>) {
    let Some(value) = value else { return };
    line.extend_from_slice(key.as_bytes());
    seconds(line, value);
}
