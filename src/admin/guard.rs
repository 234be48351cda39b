//! What holds for every request and every answer of the admin listener, whatever is asked for.
//!
//! ```text
//! one of our names? ── no page of another site? ── open to all? ──┬──────────── the route
//!        421                      403                             └─ a pass? ──────┘
//!                                                                      401, 429
//! ```

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::arrival::Arrival;
use super::pass::{self, NoPass, Pass};
use super::{Gateway, api, origin, sign_in, standing, text};
use crate::observe::metrics::AdminRefusal;

/// A browser shows what is here as text, in no frame, and hands it to no other page. An answer that says otherwise is let be: a page has
/// to name what it loads.
const SECURITY: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    // SECURITY: with `no-referrer` a browser says `Origin: null` of our own forms (Fetch, "append a request Origin header"), and they would
    // have to be taken for those of another site.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Tells those with a pass more than others.
pub(super) const READY: &str = "/readyz";

/// SECURITY: the only paths that want no pass. Whatever is added to the listener is closed until it is named here.
const OPEN: [&str; 5] = [
    "/healthz",
    READY,
    sign_in::PAGE,
    sign_in::STYLE,
    sign_in::OUT,
];

/// Whether a request for what is open to all comes with a pass nevertheless.
#[derive(Clone, Copy)]
pub(super) struct Known(pub(super) bool);

/// Whether a request comes from somebody who can sign out.
#[derive(Clone, Copy)]
pub(super) struct SignedIn(pub(super) bool);

/// The guard in front of every route.
pub(super) async fn guarded(
    State(gateway): State<Gateway>,
    request: Request,
    next: Next,
) -> Response {
    let mut answer = judged(&gateway, request, next).await;
    for (name, value) in SECURITY {
        let value = HeaderValue::from_static(value);
        answer.headers_mut().entry(name).or_insert(value);
    }
    answer
}

async fn judged(gateway: &Gateway, mut request: Request, next: Next) -> Response {
    let refused = |reason| gateway.runtime.metrics.admin.refused(reason);
    let Some(arrival) = request.extensions().get::<Arrival>().copied() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if !origin::asks_for_us(&request, &arrival, &gateway.snapshot.load().admin.names) {
        refused(AdminRefusal::Host);
        let body = "reach the admin listener by its address, as localhost where it is on loopback, or by one of `admin.names`\n";
        return text(StatusCode::MISDIRECTED_REQUEST, body.to_owned()).into_response();
    }
    let changes = !origin::is_read(&request);
    if changes && origin::comes_from_elsewhere(&request, &arrival)
        || !changes && origin::is_read_in_vain(&request)
    {
        refused(AdminRefusal::Site);
        let why = "a page of another site may neither change nor read anything here";
        return said(&request, StatusCode::FORBIDDEN, why);
    }
    let path = request.uri().path();
    if OPEN.contains(&path) {
        let known = path == READY && pass::of(gateway, &arrival, request.headers()).is_ok();
        request.extensions_mut().insert(Known(known));
        return next.run(request).await;
    }
    match pass::of(gateway, &arrival, request.headers()) {
        Ok(pass) => {
            let signed_in = SignedIn(matches!(pass, Pass::Session(_)));
            request.extensions_mut().insert(signed_in);
            standing::watched(next.run(request).await, pass, gateway)
        }
        Err(why) => {
            refused(match why {
                NoPass::Stranger => AdminRefusal::Stranger,
                NoPass::WrongToken => AdminRefusal::WrongToken,
                NoPass::Wait(_) => AdminRefusal::Attempts,
            });
            turned_away(gateway, &request, &why)
        }
    }
}

/// An answer that whoever asked understands: JSON to a call, a page to a browser, text to everything else.
fn turned_away(gateway: &Gateway, request: &Request, why: &NoPass) -> Response {
    let has_token = gateway.snapshot.load().admin.token.is_some();
    let reason = match why {
        NoPass::Stranger if has_token => {
            "say `Authorization: Bearer TOKEN`, or sign in at /sign-in".to_owned()
        }
        NoPass::Stranger => {
            "show a certificate of one of the authorities in `admin.client_ca`".to_owned()
        }
        NoPass::WrongToken => "this is not the token".to_owned(),
        NoPass::Wait(time) => format!(
            "too many wrong tokens came from this address; try again in {} s",
            time.as_secs() + 1
        ),
    };
    let status = match why {
        NoPass::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNAUTHORIZED,
    };
    let mut answer = if has_token && wants_a_page(request) {
        sign_in::page(status, None)
    } else {
        said(request, status, &reason)
    };
    match why {
        NoPass::Wait(time) => retry_after(answer.headers_mut(), *time),
        _ => {
            let scheme = HeaderValue::from_static("Bearer realm=\"portcullis\"");
            answer
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
    }
    answer
}

/// What is wrong: as JSON to a call, as text to everything else.
pub(super) fn said(request: &Request, status: StatusCode, why: &str) -> Response {
    match is_call(request) {
        true => api::error(status, why).into_response(),
        false => text(status, format!("{why}\n")).into_response(),
    }
}

fn is_call(request: &Request) -> bool {
    request.uri().path().starts_with("/api/")
}

/// When it is worth trying again.
pub(super) fn retry_after(headers: &mut HeaderMap, time: std::time::Duration) {
    headers.insert(header::RETRY_AFTER, (time.as_secs() + 1).into());
}

fn wants_a_page(request: &Request) -> bool {
    let mut accepted = request.headers().get_all(header::ACCEPT).iter();
    let is_page = |field: &HeaderValue| field.to_str().is_ok_and(|text| text.contains("text/html"));
    let is_for_programs = is_call(request) || request.uri().path() == "/metrics";
    !is_for_programs && origin::is_read(request) && accepted.any(is_page)
}
