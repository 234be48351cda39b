//! The page on which a browser changes the token for a session, and the end of that session.
//!
//! ```text
//! GET  /sign-in                    the page
//! POST /sign-in     token=...      303 to / with the session's cookie, or the page again with what is wrong
//! POST /sign-out                   303 to /sign-in without it; to / where there is no token to sign in with
//! ```

use std::time::Duration;

use axum::Extension;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use percent_encoding::percent_decode_str;
use tokio::time::timeout;

use super::arrival::Arrival;
use super::pass::{self, NoPass};
use super::{Gateway, guard, session, text};
use crate::limits::Clock;
use crate::observe::metrics::AdminRefusal;

pub(super) const PAGE: &str = "/sign-in";
pub(super) const STYLE: &str = "/sign-in.css";
pub(super) const OUT: &str = "/sign-out";

/// The largest form: no token is near it.
const LARGEST: usize = 8 * 1024;
/// The time in which it must have come whole.
const WITHIN: Duration = Duration::from_secs(5);

const HTML: &str = include_str!("page/sign-in.html");
const CSS: &str = include_str!("page/sign-in.css");
/// Where what is wrong stands in the page.
const MESSAGE: &str = "<!-- message -->";
/// SECURITY: the page loads its style and nothing else, runs nothing, and sends its form nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// The routes of the sign-in.
pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route(PAGE, get(shown).post(signed_in))
        .route(STYLE, get(style))
        .route(OUT, post(signed_out))
}

/// The page, with what was wrong before.
pub(super) fn page(status: StatusCode, message: Option<&str>) -> Response {
    let message = message.map_or(String::new(), |message| {
        format!("<p id=\"message\" role=\"alert\">{message}</p>")
    });
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (status, headers, HTML.replace(MESSAGE, &message)).into_response()
}

async fn shown(State(gateway): State<Gateway>) -> Response {
    match gateway.snapshot.load().admin.token {
        Some(_) => page(StatusCode::OK, None),
        None => nothing_to_sign_in_to(),
    }
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], CSS)
}

fn nothing_to_sign_in_to() -> Response {
    let body = "there is no `admin.token` to sign in with\n".to_owned();
    text(StatusCode::NOT_FOUND, body).into_response()
}

async fn signed_in(
    State(gateway): State<Gateway>,
    Extension(arrival): Extension<Arrival>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let Some(given) = token_of(body).await else {
        return page(
            StatusCode::BAD_REQUEST,
            Some("The form did not arrive whole. Please try again."),
        );
    };
    let Some(token) = gateway.snapshot.load().admin.token else {
        return nothing_to_sign_in_to();
    };
    let refused = |reason| gateway.runtime.metrics.admin.refused(reason);
    match pass::try_token(&gateway, &arrival, &token, &given) {
        Ok(()) => {}
        Err(NoPass::Wait(time)) => {
            refused(AdminRefusal::Attempts);
            let message =
                "Too many wrong tokens came from this address. Please wait a few seconds.";
            let mut answer = page(StatusCode::TOO_MANY_REQUESTS, Some(message));
            guard::retry_after(answer.headers_mut(), time);
            return answer;
        }
        Err(_) => {
            refused(AdminRefusal::WrongToken);
            return page(StatusCode::UNAUTHORIZED, Some("This is not the token."));
        }
    }
    let sessions = &gateway.runtime.operators.sessions;
    pass::cookies(&head.headers, &arrival).for_each(|id| sessions.end(id));
    match sessions.begin(&token, Clock::now()) {
        Ok(id) => {
            log::info!("an operator has signed in from {}", arrival.peer.ip());
            to("/", &arrival, &id, session::LASTS)
        }
        Err(error) => {
            log::error!("no session can begin: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn signed_out(
    State(gateway): State<Gateway>,
    Extension(arrival): Extension<Arrival>,
    headers: HeaderMap,
) -> Response {
    let sessions = &gateway.runtime.operators.sessions;
    pass::cookies(&headers, &arrival).for_each(|id| sessions.end(id));
    let place = match gateway.snapshot.load().admin.token {
        Some(_) => PAGE,
        None => "/",
    };
    to(place, &arrival, "", Duration::ZERO)
}

/// Sends a browser on, with a session's number to remember for so long.
fn to(place: &'static str, arrival: &Arrival, id: &str, lasts: Duration) -> Response {
    let secure = if arrival.tls { "; Secure" } else { "" };
    let name = pass::cookie_name(arrival);
    let age = lasts.as_secs();
    let cookie = format!("{name}={id}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}");
    let headers: [(HeaderName, String); 2] = [
        (header::LOCATION, place.to_owned()),
        (header::SET_COOKIE, cookie),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// What the form says (application/x-www-form-urlencoded). A page of another site cannot get this far.
async fn token_of(body: Body) -> Option<String> {
    let bytes = timeout(WITHIN, to_bytes(body, LARGEST)).await.ok()?.ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    let given = text
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="))?;
    let given = given.replace('+', " ");
    let given = percent_decode_str(&given).decode_utf8().ok()?;
    // Copied from a file, it often has a line end.
    Some(given.trim().to_owned())
}
