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

mod combined;
mod json;
mod number;
mod text;

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use super::Format;
use super::clock::Moment;

/// Characters that are shown of a text; longer ones end with `…`.
pub(super) struct Widths {
    /// Of a path, and of a route's name.
    path: usize,
    /// Of everything else.
    word: usize,
}

const WIDE: Widths = Widths {
    path: 1000,
    word: 256,
};
/// Where a line must not be long.
pub(super) const NARROW: Widths = Widths { path: 60, word: 60 };

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
    /// Who is signed in.
    pub user: Option<&'a str>,
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
        self.write_at(&Moment::of(self.time()), format, line);
    }

    /// The moment of the line.
    pub(super) fn time(&self) -> SystemTime {
        self.time.unwrap_or_else(SystemTime::now)
    }

    pub(super) fn write_at(&self, moment: &Moment, format: Format, line: &mut Vec<u8>) {
        self.write_as(moment, format, &WIDE, line);
    }

    pub(super) fn write_as(
        &self,
        moment: &Moment,
        format: Format,
        most: &Widths,
        line: &mut Vec<u8>,
    ) {
        match format {
            Format::Json => json::write(self, moment, most, line),
            Format::Combined if self.event == Event::Start => {}
            Format::Combined => combined::write(self, moment, most, line),
        }
    }
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
            user: Some("Jürgen \"J\" Groß"),
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
                r#"{"time":"2026-11-28T19:34:37.042Z","stream":"end","id":"ab","client":"192.0.2.1","user":"Jürgen \"J\" Groß","listener":"0.0.0.0:443","#,
                r#""host":"a.example","method":"GET","path":"/x","version":"HTTP/2","status":200,"route":"a.example/","server":"one","#,
                r#""kind":"icws","upstream_status":201,"duration":1.500000,"upstream_connect":0.000007,"upstream_reused":false,"#,
                r#""upstream_first_byte":1.000000,"bytes_in":1,"bytes_out":2,"tls":"TLSv1.3","reason":"request_rate","limit":"route a","#,
                "\"user_agent\":\"curl\"}\n"
            )
        );
        assert_eq!(
            written(entry, Format::Combined),
            "192.0.2.1 - Jürgen\\x20\\\"J\\\"\\x20Groß [28/Nov/2026:19:34:37 +0000] \"GET /x HTTP/2\" 200 2 \"-\" \"curl\"\n"
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
        assert_eq!(path.chars().count(), WIDE.path + 1);
        assert!(foul.starts_with(path.strip_suffix('…').unwrap()));
    }
}
