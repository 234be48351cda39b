//! The admin listener: `/healthz`, `/readyz`, `/metrics`, a JSON API and the dashboard. On loopback, or by TLS for those who are let in.
//!
//! It shares nothing with the public listeners, so that no route can ever lead here.

mod api;
mod arrival;
mod attempts;
mod dashboard;
mod guard;
mod live;
mod operators;
mod origin;
mod pass;
mod ready;
mod serve;
mod session;
mod sign_in;
mod standing;
mod tls;
mod token;

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub use operators::Operators;
pub use tls::Tls;
pub use token::Token;

use crate::front_door;
use crate::handover;
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;

/// What the answers are made from.
#[derive(Clone)]
struct Gateway {
    snapshot: Arc<ArcSwap<Snapshot>>,
    runtime: Arc<Runtime>,
    live: Arc<live::Live>,
}

impl Gateway {
    fn new(snapshot: Arc<ArcSwap<Snapshot>>, runtime: Arc<Runtime>) -> Self {
        Gateway {
            snapshot,
            runtime,
            live: Arc::default(),
        }
    }
}

/// The address, taken. Who comes waits: nobody is let in by rules that are not in force yet, or no longer.
pub struct Bound {
    wanted: SocketAddr,
    listener: TcpListener,
}

/// The listener. It ends when it is dropped.
pub struct Admin {
    wanted: SocketAddr,
    address: SocketAddr,
    /// The accept loop's, for a new address that takes its port over and for the process after this one.
    socket: Arc<TcpListener>,
    leave: watch::Sender<bool>,
    task: JoinHandle<JoinSet<()>>,
    live: Arc<live::Live>,
}

impl Bound {
    /// Takes an address, beside `leaving` which may have the same port.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn at(listen: SocketAddr, leaving: Option<&Admin>) -> io::Result<Self> {
        let beside: Vec<_> = leaving.iter().map(|old| old.socket.clone()).collect();
        let opened = front_door::bind(listen, &beside).and_then(front_door::open);
        if opened.is_err() {
            leaving.iter().for_each(|old| old.unshare());
        }
        Ok(Bound {
            wanted: listen,
            listener: opened?,
        })
    }

    /// A socket of the process before this one, which `listen` stands for.
    ///
    /// # Errors
    /// It is no socket that listens.
    pub fn inherited(listen: SocketAddr, socket: OwnedFd) -> io::Result<Self> {
        Ok(Bound {
            wanted: listen,
            listener: front_door::from_fd(socket)?,
        })
    }

    /// Serves.
    ///
    /// # Errors
    /// The system does not say where it listens.
    pub fn serve(
        self,
        snapshot: Arc<ArcSwap<Snapshot>>,
        runtime: Arc<Runtime>,
    ) -> io::Result<Admin> {
        let address = self.listener.local_addr()?;
        let socket = Arc::new(self.listener);
        let (leave, left) = watch::channel(false);
        let rules = snapshot.clone();
        let gateway = Gateway::new(snapshot, runtime);
        let serving = serve::Serving {
            app: routes(gateway.clone()),
            tls: Arc::new(move || rules.load().admin.tls.clone()),
            patience: serve::PATIENCE,
            leave: left,
        };
        Ok(Admin {
            wanted: self.wanted,
            address,
            task: tokio::spawn(serve::serve(socket.clone(), serving)),
            socket,
            leave,
            live: gateway.live,
        })
    }
}

fn routes(gateway: Gateway) -> Router {
    Router::new()
        .route(
            "/healthz",
            get(|| async { text(StatusCode::OK, "ok\n".to_owned()) }),
        )
        .route(guard::READY, get(ready::ready))
        .route("/metrics", get(metrics))
        .merge(api::routes())
        .merge(live::routes())
        .merge(dashboard::routes())
        .merge(sign_in::routes())
        .fallback(async |request: Request| {
            guard::said(&request, StatusCode::NOT_FOUND, "not found")
        })
        .layer(middleware::from_fn_with_state(
            gateway.clone(),
            guard::guarded,
        ))
        .with_state(gateway)
}

impl Admin {
    /// The socket and its address in the file, for the process after this one.
    ///
    /// # Errors
    /// The system has no more descriptors.
    pub fn socket(&self) -> std::io::Result<handover::Socket> {
        Ok((self.wanted, self.socket.as_fd().try_clone_to_owned()?))
    }

    /// Has its port to itself again: no [`Bound`] beside it came into use.
    pub fn unshare(&self) {
        front_door::unshare(std::slice::from_ref(&self.socket));
    }

    /// Serves no more, and ends every connection.
    pub fn close(&self) {
        self.task.abort();
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more. Returns when the address is free. Connections end with the answer that they are at.
    pub async fn leave(mut self) {
        self.leave.send_replace(true);
        self.live.end();
        if let Ok(mut rest) = (&mut self.task).await {
            tokio::spawn(async move { while rest.join_next().await.is_some() {} });
        }
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.close();
    }
}

/// Prometheus' own media type; browsers show it as text.
async fn metrics(State(gateway): State<Gateway>) -> impl IntoResponse {
    let scraped = gateway.runtime.scrape(&gateway.snapshot.load());
    let media = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, media)], scraped)
}

type Text = (StatusCode, [(HeaderName, &'static str); 2], String);

fn text(status: StatusCode, body: String) -> Text {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body)
}
