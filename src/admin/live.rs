//! `GET /api/live`: what the dashboard shows, once a second for as long as somebody listens (server-sent events).
//!
//! ```text
//! event: history     the last ten minutes, and whether this page can sign out, once at the beginning
//! event: sample      everything as it is now, each second
//! event: replaced    more pages are open than may listen; this one, the oldest, hears no more
//! ```
//!
//! One task makes the samples for all listeners, and ends with the last of them. A listener that is slow misses samples, and holds
//! nothing up; one that takes nothing is ended by the rules of the connection (`serve`).

mod listeners;
mod sample;
mod users;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Router};
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::guard::SignedIn;
use super::{Gateway, api};
use listeners::{Listeners, Place};

/// Where the seconds of the process come late, a sample is made all the same, so that a page does not take the gateway for gone.
const LATEST: Duration = Duration::from_secs(2);
/// What the browser waits before it connects anew.
const RETRY: &str = "retry: 2000\n\n";
/// The last word to a listener whose place is taken.
const REPLACED: &str = "event: replaced\ndata: {}\n\n";

/// Who listens, and what they hear.
pub(super) struct Live {
    listeners: Arc<Listeners>,
    samples: watch::Sender<Bytes>,
    /// The listener has moved away: what it still answers ends, and this would not by itself.
    over: watch::Sender<bool>,
}

impl Default for Live {
    fn default() -> Self {
        Live {
            listeners: Arc::default(),
            samples: watch::Sender::new(Bytes::new()),
            over: watch::Sender::new(false),
        }
    }
}

impl Live {
    /// Nobody hears more.
    pub(super) fn end(&self) {
        self.over.send_replace(true);
    }
}

pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/api/live", get(live))
        .route("/api/live/users", get(users::find))
        .method_not_allowed_fallback(api::other_method)
}

async fn live(
    State(gateway): State<Gateway>,
    Extension(SignedIn(signed_in)): Extension<SignedIn>,
) -> impl IntoResponse {
    let live = &gateway.live;
    // Before the producer begins, so that the first sample is heard.
    let samples = live.samples.subscribe();
    let (place, is_first) = live.listeners.enter();
    if is_first {
        // What was made for those before is of the past.
        live.samples.send_replace(Bytes::new());
        tokio::spawn(produce(gateway.clone()));
    }
    // One event waits for the connection, and no more.
    let (to, events) = mpsc::channel(1);
    let first = format!(
        "{RETRY}{}",
        event(
            "history",
            &sample::history(&gateway.runtime.pace, signed_in)
        )
    );
    let over = live.over.subscribe();
    tokio::spawn(tell(first.into(), samples, over, place, to));
    let headers: [(HeaderName, &str); 2] = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Body::new(Events(events)))
}

/// Makes samples until nobody listens.
async fn produce(gateway: Gateway) {
    let mut seconds = gateway.runtime.pace.watch();
    while gateway.live.listeners.anybody() {
        let of = gateway.clone();
        // PERF: tens of thousands of users and bans may have to be looked through.
        if let Ok(made) = spawn_blocking(move || sample::sample(&of)).await {
            let told = Bytes::from(event("sample", &made));
            gateway.live.samples.send_replace(told);
        }
        // Late or never, the next sample is due.
        let _ = timeout(LATEST, seconds.changed()).await;
    }
}

/// Passes samples on to one connection until it ends, or somebody newer has its place.
async fn tell(
    first: Bytes,
    mut samples: watch::Receiver<Bytes>,
    mut over: watch::Receiver<bool>,
    mut place: Place,
    to: mpsc::Sender<Bytes>,
) {
    let passed_on = async {
        // With the sample that was made within the last second, if one was.
        let made = samples.borrow_and_update().clone();
        let mut next = Bytes::from([first, made].concat());
        while to.send(next).await.is_ok() {
            tokio::select! {
                () = to.closed() => return,
                _ = over.wait_for(|over| *over) => return,
                changed = samples.changed() => if changed.is_err() { return },
            }
            next = samples.borrow_and_update().clone();
        }
    };
    let is_replaced = tokio::select! {
        biased;
        () = place.taken() => true,
        () = passed_on => false,
    };
    if is_replaced {
        let _ = to.send(Bytes::from_static(REPLACED.as_bytes())).await;
    }
}

fn event(name: &str, data: &Value) -> String {
    // In JSON no line ends, so it is one line of data.
    format!("event: {name}\ndata: {data}\n\n")
}

/// The body of the answer.
struct Events(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}
