//! Single sign-on: off to the identity provider with a 302, back through `return`, and the token from `response`.
//!
//! ```text
//! HTTP/1.1 302 Found
//! Location: https://idp.example.com/saml/login?SAMLRequest=...&RelayState=...
//! ```

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::json;

use super::answer;
use super::login::guid;
use super::routes::Call;
use super::session::lock;
use crate::wire::Reply;

/// Sign-ons and tokens that are remembered at most; the oldest are forgotten first.
const MAX_PENDING: usize = 10_000;
/// User id of whoever comes back from the identity provider.
const USER: &str = "sso.user";

/// Sign-ons on their way.
#[derive(Debug)]
pub(super) struct SingleSignOn {
    provider: String,
    /// Relay state to the URI the browser wants to return to.
    begun: Mutex<Bounded>,
    /// Tokens not yet used to log in, to their user.
    tokens: Mutex<Bounded>,
}

#[derive(Debug, Default)]
struct Bounded {
    entries: HashMap<String, String>,
    order: VecDeque<String>,
}

impl Bounded {
    fn put(&mut self, key: String, value: String) {
        if self.order.len() >= MAX_PENDING
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.entries.insert(key, value);
    }
}

impl SingleSignOn {
    pub(super) fn new(provider: String) -> Self {
        Self {
            provider,
            begun: Mutex::default(),
            tokens: Mutex::default(),
        }
    }

    /// The user a token stands for; a token works once.
    pub(super) fn redeem(&self, token: &str) -> Option<String> {
        lock(&self.tokens).entries.remove(token)
    }
}

pub(super) fn answer(call: &Call<'_>, path: &[&str]) -> Reply {
    match (call.request.method.as_str(), path) {
        ("GET", ["identity-providers", _]) => begin(call),
        ("GET" | "POST", ["return"]) => come_back(call),
        ("GET", ["response"]) => response(call),
        (_, ["identity-providers", _] | ["response"]) => answer::method_not_allowed("GET"),
        (_, ["return"]) => answer::method_not_allowed("GET, POST"),
        _ => answer::not_found(),
    }
}

/// 302 to the identity provider's absolute URL, which names our public `return` URL.
fn begin(call: &Call<'_>) -> Reply {
    if call.request.parameter("singleSignOnCapabilities").is_none() {
        return answer::missing("singleSignOnCapabilities");
    }
    let Some(relay) = guid() else {
        return answer::malformed("No relay state.");
    };
    let consumer = format!("{}/connection/single-sign-on/return", call.public_base());
    let url = format!(
        "{}?SAMLRequest=PHNhbWw%2B&RelayState={relay}&AssertionConsumerServiceURL={}",
        call.state.sso.provider,
        utf8_percent_encode(&consumer, NON_ALPHANUMERIC)
    );
    lock(&call.state.sso.begun).put(
        relay,
        call.request.parameter("returnUri").unwrap_or_default(),
    );
    Reply::new(302).header("Location", url)
}

/// Takes the assertion: 302 to where the browser came from with the cookie, or 200 with the token where it named no such place.
fn come_back(call: &Call<'_>) -> Reply {
    let form = String::from_utf8_lossy(call.body).into_owned();
    let given = |name| {
        call.request
            .parameter(name)
            .or_else(|| form_field(&form, name))
    };
    if given("SAMLResponse").is_none() {
        return answer::missing("SAMLResponse");
    }
    let relay = given("RelayState").unwrap_or_default();
    let Some(return_uri) = lock(&call.state.sso.begun).entries.remove(&relay) else {
        return answer::malformed("The RelayState is unknown.");
    };
    let Some(token) = guid() else {
        return answer::malformed("No token.");
    };
    lock(&call.state.sso.tokens).put(token.clone(), USER.to_owned());
    if return_uri.is_empty() {
        let page = "<!DOCTYPE html><title>Signed in</title><p>You may close this window.</p>";
        return Reply::new(200)
            .header("Content-Type", "text/html; charset=utf-8")
            .header("ININ-STS-Token", token)
            .body(page);
    }
    // INFERRED: the cookie's Path is not documented; it has to reach single-sign-on/response.
    let secure = if call.state.tls { "; Secure" } else { "" };
    let cookie = format!(
        "icws_sso_response={token}; Path=/icws/connection/single-sign-on; HttpOnly{secure}"
    );
    Reply::new(302)
        .header("Location", return_uri)
        .header("Set-Cookie", cookie)
}

fn response(call: &Call<'_>) -> Reply {
    let cookies = call.request.all("cookie").join(";");
    let token = cookies
        .split(';')
        .find_map(|pair| pair.trim().strip_prefix("icws_sso_response="));
    match token {
        Some(token) => answer::json(200, &json!({"singleSignOnToken": token})),
        None => answer::error(
            404,
            "error.request.connection.singleSignOn.noResponse",
            0,
            "There is no response.",
        ),
    }
}

/// A field of an `application/x-www-form-urlencoded` body.
fn form_field(form: &str, name: &str) -> Option<String> {
    form.split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| {
            let spaced = value.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        })
}
