//! The answer in the server's place, in the form in which each client takes it best.
//!
//! ```
//! use http::Method;
//! use portcullis::kinds::interaction::{Dialect, Interaction, Operation, Wire, refusal};
//! let start = Operation::Start(Interaction::Chat);
//! assert_eq!(
//!     refusal(Wire::Webtools, &start, Dialect::Json).body,
//!     r#"{"chat":{"status":{"type":"failure","reason":"error.websvc.unavailable"}}}"#
//! );
//! ```

use super::{Dialect, Operation, Subject, Wire};

/// A refusal, ready to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The Content-Type.
    pub content_type: &'static str,
    /// The body.
    pub body: &'static str,
}

const JSON: &str = "application/json; charset=utf-8";
const XML: &str = "application/xml; charset=utf-8";
/// The only media type whose bodies the vendor's library reads (seen in its code).
const ICWS: &str = "application/vnd.inin.icws+JSON; charset=utf-8";

/// The refusal of an operation. What the vendor's page makes of each answer was observed with the page of 4.0 SU4.
///
/// Web Tools, always a 200 with a failure in it:
/// - start, create: one failure is shown and nothing repeated; 500 and 504 would be sent once more.
/// - poll: the page goes on polling; any other status makes it fail over at once, three requests for the one that was saved.
/// - status, and all in a participant's name: the one request fails; a failure by status begins a whole fail-over, and 500 and 504
///   are repeated for ever.
/// - reconnect: the page offers a new chat whatever the form; 500 and 504 would be repeated, for callbacks for ever.
/// - exit, disconnect: the page does not look; of a callback's, 500 and 504 would be repeated for ever.
///
/// ICWS, never a 200, which would be a success without ids:
/// - start, create: 400, documented as "was not started", and one of the statuses whose body the vendor's library hands on.
/// - all others: 503, which is in no list of documented answers and so means nothing but "not now".
pub fn refusal(wire: Wire, operation: &Operation, dialect: Dialect) -> Refusal {
    match wire {
        Wire::Webtools => {
            let (content_type, body) = envelope(operation.subject(), dialect);
            Refusal {
                status: 200,
                content_type,
                body,
            }
        }
        Wire::Icws => Refusal {
            status: match operation {
                Operation::Start(_) => 400,
                _ => 503,
            },
            content_type: ICWS,
            body: r#"{"errorId":"error.gateway.interactions","message":"There are too many interactions at the moment."}"#,
        },
    }
}

/// No listing of the vendor's XML is public: its JSON with every field an element, as this module reads it.
fn envelope(subject: Subject, dialect: Dialect) -> (&'static str, &'static str) {
    macro_rules! failure {
        ($name:literal) => {
            match dialect {
                Dialect::Json => (
                    JSON,
                    concat!(
                        r#"{""#,
                        $name,
                        r#"":{"status":{"type":"failure","reason":"error.websvc.unavailable"}}}"#
                    ),
                ),
                Dialect::Xml => (
                    XML,
                    concat!(
                        r#"<?xml version="1.0" encoding="UTF-8"?><"#,
                        $name,
                        "><status><type>failure</type><reason>error.websvc.unavailable</reason></status></",
                        $name,
                        ">"
                    ),
                ),
            }
        };
    }
    match subject {
        Subject::Chat => failure!("chat"),
        Subject::Callback => failure!("callback"),
        Subject::Party => failure!("partyInfo"),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;
    use crate::kinds::interaction::{Answer, Media, Outcome};

    #[test]
    fn a_refusal_is_a_failure_to_whoever_reads_it() {
        for (wire, method, path, status) in [
            (Wire::Webtools, Method::POST, "/websvcs/chat/start", 200),
            (
                Wire::Webtools,
                Method::POST,
                "/websvcs/callback/create",
                200,
            ),
            (Wire::Webtools, Method::POST, "/websvcs/chat/reconnect", 200),
            (Wire::Webtools, Method::GET, "/websvcs/chat/poll/p", 200),
            (
                Wire::Webtools,
                Method::GET,
                "/websvcs/callback/status/p",
                200,
            ),
            (Wire::Webtools, Method::POST, "/websvcs/partyInfo/p", 200),
            (Wire::Icws, Method::POST, "/icws/web-chat/start", 400),
            (Wire::Icws, Method::POST, "/icws/web-callback/create", 400),
            (Wire::Icws, Method::GET, "/icws/web-chat/messages/p", 503),
        ] {
            let operation = Operation::of(wire, &method, path).unwrap();
            for dialect in [Dialect::Json, Dialect::Xml] {
                let refusal = refusal(wire, &operation, dialect);
                assert_eq!(refusal.status, status, "{path}");
                let mut headers = HeaderMap::new();
                headers.insert("content-type", refusal.content_type.parse().unwrap());
                let media = Media::of(&headers);
                let body = refusal.body.as_bytes();
                let answer = Answer::read(wire, &operation, status, &media, body).unwrap();
                assert!(!answer.is_success() && !answer.ended, "{path}");
                assert!(!answer.unknown_session, "{path}: a poll must go on");
                match answer.outcome {
                    Outcome::Failure(reason) if wire == Wire::Webtools => {
                        assert_eq!(reason.as_str(), "error.websvc.unavailable");
                    }
                    outcome => assert_eq!(wire, Wire::Icws, "{outcome:?}"),
                }
            }
        }
    }
}
