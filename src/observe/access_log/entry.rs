//! One line of the access log, as JSON or in the combined format of Apache and nginx.
//!
//! ```
//! use portcullis::observe::access_log::{Entry, Format};
//! let entry = Entry { method: Some("GET"), path: Some("/a\"b"), status: 200, ..Entry::default() };
//! let mut line = Vec::new();
//! entry.write(Format::Json, &mut line);
//! let line = String::from_utf8(line).unwrap();
//! assert!(line.ends_with("\"method\":\"GET\",\"path\":\"/a\\\"b\",\"status\":200,\"bytes_in\":0,\"bytes_out\":0}\n"), "{line}");
//! ```

mod text;

use std::fmt::Display;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use super::Format;
use super::clock::{MONTHS, Moment};
use text::{apache, json};

/// Characters that are shown of a path; longer ones end with `…`.
const PATH: usize = 1000;
/// Of everything else that a client chose.
const WORD: usize = 256;

/// What the line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Event {
    /// A request that is over.
    #[default]
    Request,
    /// An event stream or a WebSocket begins.
    Start,
    /// It is over.
    End,
}

/// What is known of a request. Nothing here may be a secret: no query, no cookie, no field but the user agent.
#[derive(Clone, Copy, Default)]
pub struct Entry<'a> {
    /// What the line is about.
    pub event: Event,
    /// When; the moment of the line if it is `None`.
    pub time: Option<SystemTime>,
    /// The request's id.
    pub id: Option<&'a dyn Display>,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// The listener, as the file has it.
    pub listener: Option<SocketAddr>,
    /// What the client asked for.
    pub host: Option<&'a str>,
    /// The method.
    pub method: Option<&'a str>,
    /// The path, redacted by the kind.
    pub path: Option<&'a str>,
    /// Such as `HTTP/2`.
    pub version: Option<&'a str>,
    /// What the client got; 0 for nothing.
    pub status: u16,
    /// The route's name.
    pub route: Option<&'a str>,
    /// The server's name.
    pub server: Option<&'a str>,
    /// The kind's name.
    pub kind: Option<&'a str>,
    /// What the server answered.
    pub upstream_status: Option<u16>,
    /// From the request's head to the end of the answer.
    pub duration: Option<Duration>,
    /// What it took to connect to the server.
    pub upstream_connect: Option<Duration>,
    /// Whether a connection to the server was used again.
    pub upstream_reused: Option<bool>,
    /// From the first try to connect to the head of the server's answer.
    pub upstream_first_byte: Option<Duration>,
    /// Bytes of the request's body.
    pub received: u64,
    /// Bytes of the answer's body.
    pub sent: u64,
    /// Such as `TLSv1.3`.
    pub tls: Option<&'a str>,
    /// Why the gateway itself answered or ended it.
    pub reason: Option<&'a str>,
    /// The limit that refused it.
    pub limit: Option<&'a str>,
    /// What the client calls itself.
    pub user_agent: Option<&'a str>,
}

impl Entry<'_> {
    /// Appends the line. The combined format has none for the start of a stream, which would count it twice.
    pub fn write(&self, format: Format, line: &mut Vec<u8>) {
        let moment = Moment::of(self.time.unwrap_or_else(SystemTime::now));
        // Writing to memory does not fail.
        let _ = match format {
            Format::Json => self.json(&moment, line),
            Format::Combined if self.event == Event::Start => Ok(()),
            Format::Combined => self.combined(&moment, line),
        };
    }

    fn json(&self, at: &Moment, line: &mut Vec<u8>) -> std::io::Result<()> {
        write!(
            line,
            "{{\"time\":\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\"",
            at.year, at.month, at.day, at.hour, at.minute, at.second, at.millisecond
        )?;
        let event = match self.event {
            Event::Request => None,
            Event::Start => Some("start"),
            Event::End => Some("end"),
        };
        word(line, "stream", event, WORD);
        if let Some(id) = self.id {
            // Letters and digits, and few others that need no escape.
            write!(line, ",\"id\":\"{id}\"")?;
        }
        if let Some(client) = self.client {
            write!(line, ",\"client\":\"{client}\"")?;
        }
        if let Some(listener) = self.listener {
            write!(line, ",\"listener\":\"{listener}\"")?;
        }
        word(line, "host", self.host, WORD);
        word(line, "method", self.method, WORD);
        word(line, "path", self.path, PATH);
        word(line, "version", self.version, WORD);
        write!(line, ",\"status\":{}", self.status)?;
        word(line, "route", self.route, PATH);
        word(line, "server", self.server, WORD);
        word(line, "kind", self.kind, WORD);
        if let Some(status) = self.upstream_status {
            write!(line, ",\"upstream_status\":{status}")?;
        }
        seconds(line, "duration", self.duration)?;
        seconds(line, "upstream_connect", self.upstream_connect)?;
        if let Some(reused) = self.upstream_reused {
            write!(line, ",\"upstream_reused\":{reused}")?;
        }
        seconds(line, "upstream_first_byte", self.upstream_first_byte)?;
        write!(
            line,
            ",\"bytes_in\":{},\"bytes_out\":{}",
            self.received, self.sent
        )?;
        word(line, "tls", self.tls, WORD);
        word(line, "reason", self.reason, WORD);
        word(line, "limit", self.limit, WORD);
        word(line, "user_agent", self.user_agent, WORD);
        line.extend_from_slice(b"}\n");
        Ok(())
    }

    fn combined(&self, at: &Moment, line: &mut Vec<u8>) -> std::io::Result<()> {
        match self.client {
            Some(client) => write!(line, "{client}")?,
            None => line.push(b'-'),
        }
        let month = MONTHS.get(at.month - 1).unwrap_or(&"-");
        write!(
            line,
            " - - [{:02}/{month}/{:04}:{:02}:{:02}:{:02} +0000] \"",
            at.day, at.year, at.hour, at.minute, at.second
        )?;
        match (self.method, self.path, self.version) {
            (Some(method), Some(path), Some(version)) => {
                apache(line, method, WORD);
                line.push(b' ');
                apache(line, path, PATH);
                write!(line, " {version}")?;
            }
            _ => line.push(b'-'),
        }
        // Apache writes a request without an answer so, too.
        write!(line, "\" {:03} {} \"-\" \"", self.status, self.sent)?;
        apache(line, self.user_agent.unwrap_or("-"), WORD);
        line.extend_from_slice(b"\"\n");
        Ok(())
    }
}

fn word(line: &mut Vec<u8>, key: &str, value: Option<&str>, most: usize) {
    let Some(value) = value else { return };
    line.extend_from_slice(b",\"");
    line.extend_from_slice(key.as_bytes());
    line.extend_from_slice(b"\":\"");
    json(line, value, most);
    line.push(b'"');
}

fn seconds(line: &mut Vec<u8>, key: &str, value: Option<Duration>) -> std::io::Result<()> {
    let Some(value) = value else { return Ok(()) };
    write!(
        line,
        ",\"{key}\":{}.{:06}",
        value.as_secs(),
        value.subsec_micros()
    )
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn written(entry: Entry<'_>, format: Format) -> String {
        let mut line = Vec::new();
        entry.write(format, &mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_line_of_json_has_every_field_by_its_documented_name() {
        let entry = Entry {
            event: Event::End,
            time: Some(UNIX_EPOCH + Duration::from_millis(1_795_894_477_042)),
            id: Some(&"ab"),
            client: Some([192, 0, 2, 1].into()),
            listener: Some(([0, 0, 0, 0], 443).into()),
            host: Some("a.example"),
            method: Some("GET"),
            path: Some("/x"),
            version: Some("HTTP/2"),
            status: 200,
            route: Some("a.example/"),
            server: Some("one"),
            kind: Some("icws"),
            upstream_status: Some(201),
            duration: Some(Duration::from_millis(1500)),
            upstream_connect: Some(Duration::from_micros(7)),
            upstream_reused: Some(false),
            upstream_first_byte: Some(Duration::from_secs(1)),
            received: 1,
            sent: 2,
            tls: Some("TLSv1.3"),
            reason: Some("request_rate"),
            limit: Some("route a"),
            user_agent: Some("curl"),
        };
        assert_eq!(
            written(entry, Format::Json),
            concat!(
                r#"{"time":"2026-11-28T19:34:37.042Z","stream":"end","id":"ab","client":"192.0.2.1","listener":"0.0.0.0:443","#,
                r#""host":"a.example","method":"GET","path":"/x","version":"HTTP/2","status":200,"route":"a.example/","server":"one","#,
                r#""kind":"icws","upstream_status":201,"duration":1.500000,"upstream_connect":0.000007,"upstream_reused":false,"#,
                r#""upstream_first_byte":1.000000,"bytes_in":1,"bytes_out":2,"tls":"TLSv1.3","reason":"request_rate","limit":"route a","#,
                "\"user_agent\":\"curl\"}\n"
            )
        );
        assert_eq!(
            written(entry, Format::Combined),
            "192.0.2.1 - - [28/Nov/2026:19:34:37 +0000] \"GET /x HTTP/2\" 200 2 \"-\" \"curl\"\n"
        );
    }

    #[test]
    fn the_start_of_a_stream_is_no_request_of_the_combined_format() {
        let entry = Entry {
            event: Event::Start,
            ..Entry::default()
        };
        assert_eq!(written(entry, Format::Combined), "");
        assert!(written(entry, Format::Json).contains(r#""stream":"start""#));
    }

    #[test]
    fn whatever_a_client_sends_a_line_is_one_line_of_json_and_bounded() {
        let foul = "\n\r\0\x1b\u{7f}\"\\\u{2028}\u{202e}\u{1f600}é".repeat(1000);
        let entry = Entry {
            path: Some(&foul),
            host: Some(&foul),
            user_agent: Some(&foul),
            ..Entry::default()
        };
        for format in [Format::Json, Format::Combined] {
            let line = written(entry, format);
            let (line, end) = line.split_at(line.len() - 1);
            assert_eq!(end, "\n");
            assert!(line.len() < 20_000, "{}", line.len());
            assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
            assert!(!line.contains(['\u{2028}', '\u{202e}']));
        }
        let value: serde_json::Value = serde_json::from_str(&written(entry, Format::Json)).unwrap();
        let path = value["path"].as_str().unwrap();
        assert_eq!(path.chars().count(), PATH + 1);
        assert!(foul.starts_with(path.strip_suffix('…').unwrap()));
    }
}
