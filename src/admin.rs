//! The admin listener: `/healthz`, `/readyz`, `/metrics` and a JSON API, on a loopback address only.
//!
//! It shares nothing with the public listeners, so that no route can ever lead here.

mod api;
mod serve;

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::handover;
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;

/// A browser shows what is here as text, in no frame, and hands it to no other page.
const SECURITY: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// What the answers are made from.
#[derive(Clone)]
struct Gateway {
    snapshot: Arc<ArcSwap<Snapshot>>,
    runtime: Arc<Runtime>,
}

/// The listener. It ends when it is dropped.
pub struct Admin {
    wanted: SocketAddr,
    address: SocketAddr,
    /// The same socket once more, for the process after this one.
    socket: OwnedFd,
    task: JoinHandle<()>,
}

impl Admin {
    /// Binds and serves.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn bind(
        listen: SocketAddr,
        snapshot: Arc<ArcSwap<Snapshot>>,
        runtime: Arc<Runtime>,
    ) -> std::io::Result<Self> {
        Admin::on(listen, TcpListener::bind(listen).await?, snapshot, runtime)
    }

    /// Serves on a socket of the process before this one, which `listen` stands for.
    ///
    /// # Errors
    /// It is no socket that listens.
    pub fn inherit(
        listen: SocketAddr,
        socket: OwnedFd,
        snapshot: Arc<ArcSwap<Snapshot>>,
        runtime: Arc<Runtime>,
    ) -> std::io::Result<Self> {
        let listener = std::net::TcpListener::from(socket);
        listener.set_nonblocking(true)?;
        Admin::on(listen, TcpListener::from_std(listener)?, snapshot, runtime)
    }

    fn on(
        wanted: SocketAddr,
        listener: TcpListener,
        snapshot: Arc<ArcSwap<Snapshot>>,
        runtime: Arc<Runtime>,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let socket = listener.as_fd().try_clone_to_owned()?;
        let app = Router::new()
            .route(
                "/healthz",
                get(|| async { text(StatusCode::OK, "ok\n".to_owned()) }),
            )
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .merge(api::routes())
            .fallback(async || text(StatusCode::NOT_FOUND, "not found\n".to_owned()))
            .layer(middleware::from_fn(guarded))
            .with_state(Gateway { snapshot, runtime });
        let task = tokio::spawn(serve::serve(listener, app, serve::PATIENCE));
        Ok(Admin {
            wanted,
            address,
            socket,
            task,
        })
    }

    /// The socket and its address in the file, for the process after this one.
    ///
    /// # Errors
    /// The system has no more descriptors.
    pub fn socket(&self) -> std::io::Result<handover::Socket> {
        Ok((self.wanted, self.socket.try_clone()?))
    }

    /// Serves no more.
    pub fn close(&self) {
        self.task.abort();
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves no more. Returns when the address is free.
    pub async fn closed(mut self) {
        self.task.abort();
        // Always an error: cancelled.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.close();
    }
}

/// What holds for every request and every answer, whatever is asked for.
async fn guarded(request: Request, next: Next) -> Response {
    let mut answer = if !asks_loopback(&request) {
        let body = "reach the admin listener as localhost, 127.0.0.1 or [::1]\n".to_owned();
        text(StatusCode::MISDIRECTED_REQUEST, body).into_response()
    } else if !is_read(&request) && comes_from_elsewhere(&request) {
        let body =
            "{\"error\":\"a page of another site may not change anything here\"}\n".to_owned();
        (StatusCode::FORBIDDEN, body).into_response()
    } else {
        next.run(request).await
    };
    for (name, value) in SECURITY {
        let value = HeaderValue::from_static(value);
        answer.headers_mut().insert(name, value);
    }
    answer
}

fn is_read(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// SECURITY: a browser says where a request comes from that changes something. Programs say nothing, and may.
fn comes_from_elsewhere(request: &Request) -> bool {
    let headers = request.headers();
    let same_site = headers
        .get("sec-fetch-site")
        .is_none_or(|site| site == "same-origin" || site == "none");
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let same_origin = headers.get(header::ORIGIN).is_none_or(|origin| {
        let named = origin.as_bytes().strip_prefix(b"http://");
        named.is_some() && named == host
    });
    !(same_site && same_origin)
}

/// SECURITY: a page on the internet can have its own name resolve to 127.0.0.1 (DNS rebinding), and the operator's browser would then
/// let it read what is here. Its requests carry that name, so only names of loopback are answered.
fn asks_loopback(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().and_then(|host| host.parse().ok()),
        _ => None,
    };
    let named = host.as_ref().is_some_and(is_loopback);
    // A target in absolute form says where it goes a second time.
    named && request.uri().authority().is_none_or(is_loopback)
}

fn is_loopback(authority: &Authority) -> bool {
    // SECURITY: the port may be any, for it is another one behind `ssh -L`; a user before an `@` would hide the host.
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    !authority.as_str().contains('@')
        && (host.eq_ignore_ascii_case("localhost")
            || address
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback()))
}

async fn ready(State(gateway): State<Gateway>) -> impl IntoResponse {
    if gateway.runtime.is_ready() {
        text(StatusCode::OK, "ready\n".to_owned())
    } else {
        text(
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: starting or draining\n".to_owned(),
        )
    }
}

async fn metrics(State(gateway): State<Gateway>) -> impl IntoResponse {
    let people = &gateway.snapshot.load().people;
    text(StatusCode::OK, gateway.runtime.scrape(people))
}

/// Prometheus' own media type; browsers show it as text.
fn text(status: StatusCode, body: String) -> (StatusCode, [(HeaderName, &'static str); 2], String) {
    let headers = [
        (
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body)
}
