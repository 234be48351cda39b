//! Server-sent events as they arrive.
//!
//! ```no_run
//! # async fn example(mut events: loadtest::icws::EventStream) -> Result<(), loadtest::icws::ClientError> {
//! while let Some((event, arrived)) = events.next().await? {
//!     println!("{}: {} at {arrived:?}", event.id, event.data);
//! }
//! # Ok(())
//! # }
//! ```

use std::collections::VecDeque;
use std::time::Instant;

use super::ClientError;
use super::response::Body;

/// Longest event or line in bytes.
const MAX_EVENT: usize = 4 * 1024 * 1024;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Last `id:`.
    pub id: String,
    /// `event:`; empty means `message`.
    pub event: String,
    /// `data:` lines joined by line feeds.
    pub data: String,
}

/// An open event stream. Dropping it closes the connection or resets the HTTP/2 stream.
pub struct EventStream {
    body: Body,
    parser: Parser,
    arrived: VecDeque<(Event, Instant)>,
}

impl EventStream {
    pub(super) fn new(body: Body) -> Self {
        Self {
            body,
            parser: Parser::default(),
            arrived: VecDeque::new(),
        }
    }

    /// The next event with the instant its last byte arrived; `None` when the server ended the stream. Cancel safe.
    ///
    /// # Errors
    /// The connection broke, or what came is not an event stream.
    pub async fn next(&mut self) -> Result<Option<(Event, Instant)>, ClientError> {
        loop {
            if let Some(event) = self.arrived.pop_front() {
                return Ok(Some(event));
            }
            let Some(piece) = self.body.next_piece().await? else {
                return Ok(None);
            };
            let now = Instant::now();
            self.arrived.extend(
                self.parser
                    .take(&piece)?
                    .into_iter()
                    .map(|event| (event, now)),
            );
        }
    }

    /// Waits for the next comment line (the heartbeat `:ping`) and returns its text; events meanwhile are kept. `None` at the end.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn comment(&mut self) -> Result<Option<String>, ClientError> {
        loop {
            if let Some(comment) = self.parser.comments.pop_front() {
                return Ok(Some(comment));
            }
            let Some(piece) = self.body.next_piece().await? else {
                return Ok(None);
            };
            let now = Instant::now();
            self.arrived.extend(
                self.parser
                    .take(&piece)?
                    .into_iter()
                    .map(|event| (event, now)),
            );
        }
    }
}

#[derive(Default)]
struct Parser {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    comments: VecDeque<String>,
}

impl Parser {
    fn take(&mut self, piece: &[u8]) -> Result<Vec<Event>, ClientError> {
        let mut events = Vec::new();
        for &byte in piece {
            if byte != b'\n' {
                self.line.push(byte);
                if self.line.len() + self.event.data.len() > MAX_EVENT {
                    return Err(ClientError::Protocol("an event is too long".to_owned()));
                }
                continue;
            }
            let line = String::from_utf8(std::mem::take(&mut self.line));
            let line =
                line.map_err(|_| ClientError::Protocol("an event is not UTF-8".to_owned()))?;
            events.extend(self.line(line.trim_end_matches('\r')));
        }
        Ok(events)
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let event = Event {
                id: self.event.id.clone(),
                ..Event::default()
            };
            let done = std::mem::replace(&mut self.event, event);
            return std::mem::take(&mut self.has_data).then_some(done);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" if self.comments.len() < 1000 => self.comments.push_back(value.to_owned()),
            "id" => value.clone_into(&mut self.event.id),
            "event" => value.clone_into(&mut self.event.event),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_wherever_the_bytes_are_cut() {
        let stream = b":ping\n\nid: 1\nevent: message\ndata: {\"a\":1}\n\nid:2\r\ndata: x\r\ndata: y\r\n\r\ndata: \xc3\xa9\n\n";
        let expected = [
            ("1", "message", "{\"a\":1}"),
            ("2", "", "x\ny"),
            ("2", "", "\u{e9}"),
        ];
        for cut in 0..stream.len() {
            let mut parser = Parser::default();
            let mut events = parser.take(&stream[..cut]).unwrap();
            events.extend(parser.take(&stream[cut..]).unwrap());
            let found: Vec<_> = events
                .iter()
                .map(|e| (e.id.as_str(), e.event.as_str(), e.data.as_str()))
                .collect();
            assert_eq!(found, expected, "cut at {cut}");
            assert_eq!(parser.comments, ["ping"]);
        }
    }
}
