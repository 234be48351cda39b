//! `icws`: the Interaction Center Web Services of PureConnect, on 8018 (HTTP) and 8019 (HTTPS).
//!
//! Everything before `/icws/` is dropped from the path and only `/icws/` is exposed (ICWS Web Proxies). The request gains
//! `ININ-ICWS-Original-URL`, with which ICWS builds URLs that work from outside; the answer's cookies and relative Location are
//! mapped back; nothing else changes, not a byte of a body. A 503 with `alternateHostList` is the protocol's way to send a client
//! to another server: it passes, and a name in it that this route cannot reach is logged, since its user would be stuck there.

mod session;

use ::http::{Method, StatusCode};
use pingora_core::Result;
use pingora_http::{RequestHeader, ResponseHeader};
use std::time::Duration;

use super::interaction::{self, Dialect, Operation, Wire};
use super::session::Sessions;
use super::{Kind, listed, may_say};
use crate::exchange::Call;
use crate::reason::Reason;
use crate::respond::{Answer, Audience};
use crate::rewrite::{Scope, original_url};
use crate::routing::{LiteralPath, Mapping};
use crate::upstream::Timeouts;

/// The header that tells ICWS how the client reached it (ICWS Web Proxies, "Proxying HTTP Requests").
pub const ORIGINAL_URL: &str = "ININ-ICWS-Original-URL";
/// The SDK reads a body only under this media type (seen in its code).
const MEDIA_TYPE: &str = "application/vnd.inin.icws+JSON; charset=utf-8";

pub(super) struct Icws;

impl Kind for Icws {
    fn name(&self) -> &'static str {
        "icws"
    }

    fn default_port(&self, tls: bool) -> Option<u16> {
        Some(if tls { 8019 } else { 8018 })
    }

    fn timeouts(&self) -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(5),
            // The vendor's own sample gives a request 60 s (ICWS Making Requests, JavaScript example).
            response: Duration::from_secs(60),
            stream: Duration::from_secs(300),
            pooled: Duration::from_secs(4),
        }
    }

    fn mapping(&self, _base: &LiteralPath, expose: Option<&[LiteralPath]>) -> Mapping {
        Mapping::from_segment("icws", listed(expose, "/icws/"))
    }

    fn scope(&self) -> Scope<'static> {
        Scope::Below("/icws")
    }

    fn strips_domain(&self) -> bool {
        // Nothing else in an ICWS cookie is touched (ICWS Web Proxies, "Proxying HTTP Responses").
        false
    }

    fn question(&self) -> Option<&'static str> {
        Some("/icws/connection/version")
    }

    fn stands_by(&self) -> bool {
        true
    }

    fn may_repeat(&self, method: &Method, path: &str) -> bool {
        // A short poll takes the messages off the server's queue: a second one would lose what the first one took.
        // So does the poll of a web chat. A second PUT or DELETE is harmless to the server but not to the client: it gets
        // another completion message, or the 404 or 401 of what the first one has removed.
        method.is_safe() && !may_say(path, "messages") && !may_say(path, "poll")
    }

    fn request(&self, call: &Call, head: &mut RequestHeader) -> Result<()> {
        let kept = call.peer_trusted && head.headers.contains_key(ORIGINAL_URL);
        if !kept {
            let public = call.public().map_err(crate::gateway::error)?;
            let url = original_url(public, &call.public_target)
                .ok_or_else(|| crate::gateway::error(Reason::MalformedHead))?;
            head.insert_header(ORIGINAL_URL, url)?;
        }
        Ok(())
    }

    fn observes(&self, call: &Call, head: &ResponseHeader) -> bool {
        // Also on a 201: it may carry the list too.
        let connection = call.method == Method::POST
            && call.inner_path().eq_ignore_ascii_case("/icws/connection");
        connection
            && matches!(
                head.status,
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::CREATED
            )
    }

    fn observed(&self, call: &Call, body: &[u8], leads: &dyn Fn(&str) -> bool) -> Vec<String> {
        let own = &call.upstream.facts.name;
        let is_dead_end = |name: &String| {
            let beside = || {
                beside(&call.public_prefix, own, name)
                    .is_some_and(|prefix| leads(&format!("{prefix}icws/connection")))
            };
            !call.route.reaches(name) && !beside()
        };
        let told = |name: String| {
            format!(
                "{own} sends clients to {name:?}, where nothing leads from the route {}: they will be stuck there. Add it to the \
                 route's `servers`, or give it a route beside this one, under exactly this name.",
                call.route.name
            )
        };
        alternate_hosts(body)
            .into_iter()
            .filter(is_dead_end)
            .map(told)
            .collect()
    }

    fn interactions(&self) -> Option<Wire> {
        Some(Wire::Icws)
    }

    fn sessions(&self) -> Option<&'static dyn Sessions> {
        Some(&session::IcwsSessions)
    }

    fn answer(&self, reason: Reason, audience: &Audience<'_>) -> Answer {
        if reason == Reason::Interactions
            && let Some((method, path)) = audience.asked
            && let Some(operation) = Operation::of(Wire::Icws, method, path)
        {
            let refusal = interaction::refusal(Wire::Icws, &operation, Dialect::Json);
            return Answer::new(refusal.status, refusal.content_type, refusal.body);
        }
        let body = serde_json::json!({
            "errorId": format!("error.gateway.{}", reason.code()),
            "message": reason.message(),
        });
        Answer::new(reason.status().unwrap_or(500), MEDIA_TYPE, body.to_string())
    }
}

/// The public prefix of another server, where the client's own has the segment of this one: the client makes the next URL so
/// (seen in public clients). `None` where the prefix does not name the server, or the other name is none.
fn beside(prefix: &str, own: &str, other: &str) -> Option<String> {
    let is_name = !other.is_empty()
        && other
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    let mut segments: Vec<&str> = prefix.split('/').collect();
    let place = segments
        .iter()
        .rposition(|segment| segment.eq_ignore_ascii_case(own))?;
    *segments.get_mut(place)? = other;
    is_name.then(|| segments.join("/"))
}

/// What of the answer to a connection is looked at.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    #[serde(default)]
    alternate_host_list: Vec<serde_json::Value>,
}

/// The names in `alternateHostList`, at most 32 of them and only such as could be names.
fn alternate_hosts(body: &[u8]) -> Vec<String> {
    let answer = serde_json::from_slice(body);
    let list = answer.map_or_else(
        |_| Vec::new(),
        |answer: Connection| answer.alternate_host_list,
    );
    let names = list.iter().take(32).filter_map(|name| name.as_str());
    names.map(|name| name.chars().take(255).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_safe_is_repeated_and_never_a_poll() {
        for (method, path, expected) in [
            (Method::GET, "/icws/1234/connection", true),
            (Method::HEAD, "/icws/connection/version", true),
            (Method::GET, "/icws/1234/messaging/messages", false),
            (Method::GET, "/icws/1234/Messaging/Messages?x=1", false),
            (Method::GET, "/icws/1234/messagin%67/%4dessages", false),
            (Method::GET, "/icws/1234/messaging;a/./messages", false),
            (Method::GET, "/icws/web-chat/poll/1f", false),
            (Method::PUT, "/icws/1234/status/user-statuses/a", false),
            (Method::DELETE, "/icws/1234/connection", false),
            (Method::POST, "/icws/connection", false),
        ] {
            assert_eq!(Icws.may_repeat(&method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn the_prefix_of_another_server_has_its_name_in_place_of_this_ones() {
        for (prefix, other, expected) in [
            ("/us/IC1/", "ic2", Some("/us/ic2/")),
            ("/us/ic1/deeper/", "ic2.corp", Some("/us/ic2.corp/deeper/")),
            ("/ic1/api/ic1/", "ic2", Some("/ic1/api/ic2/")),
            ("/us/first/", "ic2", None),
            ("/us/ic1/", "", None),
            ("/us/ic1/", "a/../b", None),
        ] {
            assert_eq!(beside(prefix, "ic1", other).as_deref(), expected);
        }
    }

    #[test]
    fn alternate_hosts_are_read_and_nonsense_is_not() {
        let table: [(&[u8], &[&str]); 5] = [
            (
                br#"{"alternateHostList":["a","b.example"]}"#,
                &["a", "b.example"],
            ),
            (br#"{"alternateHostList":"a"}"#, &[]),
            (br#"{"alternateHostList":[1,null,"c"]}"#, &["c"]),
            (b"<html>", &[]),
            (b"", &[]),
        ];
        for (body, names) in table {
            assert_eq!(
                alternate_hosts(body),
                names,
                "{}",
                String::from_utf8_lossy(body)
            );
        }
    }
}
