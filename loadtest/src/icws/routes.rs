//! Which call a method and path mean.
//!
//! ```text
//! GET /icws/1234567890/status/user-statuses/a%2Fb  ->  status::get for the user "a/b"
//! ```

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::server::State;
use super::{answer, login, messaging, proof, resources, sso, station, status, users, webchat};
use crate::wire::{Connected, Reply, Request};

/// One request with everything a call needs.
pub(super) struct Call<'r> {
    pub(super) state: &'r State,
    pub(super) request: &'r Request,
    pub(super) connected: &'r Connected,
    pub(super) body: &'r Bytes,
}

impl Call<'_> {
    /// The body as a JSON object.
    pub(super) fn object(&self) -> Result<Value, Reply> {
        let body: Value = serde_json::from_slice(self.body)
            .map_err(|_| answer::malformed("The request body is not JSON."))?;
        if body.is_object() {
            Ok(body)
        } else {
            Err(answer::malformed("The request body is not a JSON object."))
        }
    }

    /// The public URL of this request: what the closest proxy saw, else what was asked of this server itself.
    pub(super) fn public_url(&self) -> String {
        self.request
            .first("ININ-ICWS-Original-URL")
            .unwrap_or_else(|| {
                let scheme = if self.state.tls { "https" } else { "http" };
                format!(
                    "{scheme}://{}{}",
                    self.request.first("host").unwrap_or_default(),
                    self.request.target
                )
            })
    }

    /// The public URL up to and with `/icws`, the start of every URI this server hands out.
    pub(super) fn public_base(&self) -> String {
        let url = self.public_url();
        let path_end = url.find('?').unwrap_or(url.len());
        let place = url
            .get(..path_end)
            .and_then(|path| path.to_ascii_lowercase().find("/icws/"));
        place
            .and_then(|place| url.get(..place + "/icws".len()))
            .unwrap_or(&url)
            .to_owned()
    }
}

/// A required text property of a JSON object.
pub(super) fn text<'v>(object: &'v Value, property: &str) -> Result<&'v str, Reply> {
    object
        .get(property)
        .and_then(Value::as_str)
        .ok_or_else(|| answer::missing(property))
}

/// The path segments after `/icws`, each decoded once after splitting, so an encoded slash stays inside its segment.
/// `None` when the path does not lead into ICWS.
pub(super) fn segments(request: &Request) -> Option<Vec<String>> {
    let (first, rest) = request.path().strip_prefix('/')?.split_once('/')?;
    // INFERRED: the server's own challenge spells its path /ICWS/, so the case of this word is taken to be free.
    first.eq_ignore_ascii_case("icws").then_some(())?;
    rest.split('/')
        .map(|segment| Some(percent_decode_str(segment).decode_utf8().ok()?.into_owned()))
        .collect()
}

/// The answer to a call that takes a whole body and gives a whole answer.
pub(super) fn answer(call: &Call<'_>, path: &[&str]) -> Reply {
    match path {
        ["connection", rest @ ..] => connection(call, rest),
        ["web-chat", rest @ ..] => webchat::chat(call, rest),
        ["web-callback", rest @ ..] => webchat::callback(call, rest),
        [sid, rest @ ..] => session(call, sid, rest),
        [] => answer::not_found(),
    }
}

fn connection(call: &Call<'_>, path: &[&str]) -> Reply {
    match (call.request.method.as_str(), path) {
        ("POST", []) => login::connect(call),
        ("GET", ["version"]) => answer::json(200, &resources::version()),
        ("GET", ["features"]) => answer::json(200, &resources::features()),
        ("GET", ["features", id]) => resources::feature(id),
        ("GET", ["server-info"]) => resources::server_info(call),
        ("GET", ["server-time"]) => answer::json(200, &resources::server_time()),
        (_, ["single-sign-on", rest @ ..]) => sso::answer(call, rest),
        (_, []) => answer::method_not_allowed("POST"),
        (_, ["version" | "features" | "server-info" | "server-time"]) => {
            answer::method_not_allowed("GET")
        }
        _ => answer::not_found(),
    }
}

fn session(call: &Call<'_>, sid: &str, path: &[&str]) -> Reply {
    let session = match proof::of_all(call.state, call.connected, call.request, sid) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    match (call.request.method.as_str(), path) {
        ("GET", ["connection"]) => resources::connection_state(),
        ("DELETE", ["connection"]) => login::disconnect(call, sid),
        ("GET", ["connection", "switchover-status"]) => resources::switchover_status(call),
        (_, ["connection", "station"]) => station::answer(call, &session),
        ("POST", ["messaging", "heartbeat"]) => answer::empty(200),
        ("PUT", ["messaging", "subscriptions", to @ ..]) => {
            messaging::subscribe(call, &session, &to.join("/"))
        }
        ("DELETE", ["messaging", "subscriptions", from @ ..]) => {
            messaging::unsubscribe(&session, &from.join("/"))
        }
        ("GET", ["status", "user-statuses", user]) => status::get(call, user),
        ("PUT", ["status", "user-statuses", user]) => status::put(call, &session, user),
        ("GET", ["configuration", "users"]) => users::list(call, sid),
        ("GET", ["configuration", "users", user]) => users::one(call, sid, user),
        ("GET", ["recordings", recording, "export-uri"]) => {
            resources::export_uri(call, sid, recording)
        }
        (_, ["echo", ..]) => resources::echo(call, sid),
        ("GET", ["wfm", "data"]) => resources::wfm_data(call),
        ("POST", ["agent-quality", "search"]) => resources::agent_quality_search(&session),
        ("POST", ["interactions", "email", "resolve-address"]) => resources::resolve_address(),
        (_, ["simulate", "status", status]) => resources::status(status),
        (_, ["connection"]) => answer::method_not_allowed("GET, DELETE"),
        (_, ["messaging", "messages"]) => answer::method_not_allowed("GET"),
        _ => answer::not_found(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_slash_stays_inside_its_segment() {
        let table = [
            (
                "/icws/1/status/user-statuses/a%2Fb",
                Some(vec!["1", "status", "user-statuses", "a/b"]),
            ),
            ("/ICWS/connection", Some(vec!["connection"])),
            ("/icws/connection?x=/y", Some(vec!["connection"])),
            ("/us/icws/connection", None),
            ("/icwsx/connection", None),
            ("/icws", None),
            ("/icws/%ff", None),
        ];
        for (target, expected) in table {
            let request =
                Request::parse(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
            let expected: Option<Vec<String>> =
                expected.map(|parts| parts.into_iter().map(str::to_owned).collect());
            assert_eq!(segments(&request), expected, "{target}");
        }
    }
}
