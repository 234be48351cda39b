//! Answers in ICWS's media type, its error objects, and compression as it does it.
//!
//! ```text
//! HTTP/1.1 401 Unauthorized
//! WWW-Authenticate: ICWS realm="ICWS" location="/ICWS/connection"
//! Content-Type: application/vnd.inin.icws+JSON; charset=utf-8
//! ```

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::{Value, json};

use crate::wire::{Reply, Request};

/// Media type of every ICWS answer, in the server's own mixed case.
pub(super) const MEDIA_TYPE: &str = "application/vnd.inin.icws+JSON; charset=utf-8";
/// Sent with every 401; not a registered scheme and not the real path's case, but so it is.
const CHALLENGE: &str = "ICWS realm=\"ICWS\" location=\"/ICWS/connection\"";

/// An answer with a JSON body.
pub(super) fn json(status: u16, body: &Value) -> Reply {
    Reply::new(status)
        .header("Content-Type", MEDIA_TYPE)
        .header("Cache-Control", "no-cache")
        .body(body.to_string())
}

/// An answer with ICWS's media type and no body at all, which is legal.
pub(super) fn empty(status: u16) -> Reply {
    Reply::new(status)
        .header("Content-Type", MEDIA_TYPE)
        .header("Cache-Control", "no-cache")
}

/// An error object.
pub(super) fn error(status: u16, id: &str, code: i64, message: &str) -> Reply {
    json(
        status,
        &json!({"errorId": id, "errorCode": code, "message": message}),
    )
}

/// A 401 with its challenge.
pub(super) fn unauthorized(body: &Value) -> Reply {
    json(401, body).header("WWW-Authenticate", CHALLENGE)
}

/// 400 for a field that is not there.
pub(super) fn missing(property: &str) -> Reply {
    let body = json!({
        "__type": "urn:inin.com:common:missingPropertyError",
        "errorId": "error.request.invalidRepresentation.missingRequiredParameter",
        "errorCode": -2_147_024_809,
        "message": format!("The required property {property} is missing."),
        "propertyName": property,
    });
    json(400, &body)
}

/// 400 for a body that is not what the call takes.
pub(super) fn malformed(message: &str) -> Reply {
    error(
        400,
        "error.request.invalidRepresentation",
        -2_147_024_809,
        message,
    )
}

/// 404 for a path that leads nowhere.
pub(super) fn not_found() -> Reply {
    error(
        404,
        "error.request.unsupported",
        -2_147_024_894,
        "The requested resource does not exist.",
    )
}

/// 405 for a method that a resource does not have.
pub(super) fn method_not_allowed(allowed: &str) -> Reply {
    let id = "error.request.accessDenied.httpMethodNotAllowed";
    error(
        405,
        id,
        -2_147_024_891,
        "The HTTP method is not allowed on this resource.",
    )
    .header("Allow", allowed)
}

/// Compresses a large answer when the client asks for it: gzip wins ties, deflate is the zlib format (RFC 1950).
pub(super) fn compress(reply: Reply, request: &Request, from: usize) -> Reply {
    if reply.content().len() < from {
        return reply;
    }
    let (gzip, deflate) = (weight(request, "gzip"), weight(request, "deflate"));
    let packed = if gzip > 0.0 && gzip >= deflate {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(reply.content())
            .and_then(|()| encoder.finish())
            .map(|body| ("gzip", body))
    } else if deflate > 0.0 {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(reply.content())
            .and_then(|()| encoder.finish())
            .map(|body| ("deflate", body))
    } else {
        return reply;
    };
    match packed {
        Ok((coding, body)) => reply
            .header("Content-Encoding", coding)
            .header("Vary", "Accept-Encoding")
            .body(body),
        Err(_) => reply,
    }
}

/// The weight that Accept-Encoding gives a coding; 0 when it is not acceptable.
fn weight(request: &Request, coding: &str) -> f32 {
    let listed = request.all("accept-encoding").join(",");
    let found = listed.split(',').find_map(|item| {
        let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
        let quality = parameters
            .trim()
            .strip_prefix("q=")
            .map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
        name.trim().eq_ignore_ascii_case(coding).then_some(quality)
    });
    found.unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coding_follows_accept_encoding_and_gzip_wins_ties() {
        let table = [
            ("gzip,deflate", Some("gzip")),
            ("deflate, gzip", Some("gzip")),
            ("deflate", Some("deflate")),
            ("gzip;q=0.5, deflate;q=0.8", Some("deflate")),
            ("gzip;q=0, deflate;q=0", None),
            ("br", None),
            ("", None),
        ];
        for (accepted, expected) in table {
            let head = format!("GET / HTTP/1.1\r\nAccept-Encoding: {accepted}\r\n\r\n");
            let request = Request::parse(head.as_bytes()).unwrap();
            let reply = compress(json(200, &json!("x".repeat(5000))), &request, 2048);
            let coding = reply
                .headers()
                .iter()
                .find(|(name, _)| name == "Content-Encoding");
            assert_eq!(
                coding.map(|(_, value)| value.as_slice()),
                expected.map(str::as_bytes),
                "{accepted}"
            );
        }
    }

    #[test]
    fn a_small_answer_is_not_compressed() {
        let request = Request::parse(b"GET / HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n").unwrap();
        assert_eq!(
            compress(json(200, &json!("x")), &request, 2048)
                .content()
                .as_ref(),
            b"\"x\""
        );
    }
}
