//! The admin listener: `/healthz`, `/readyz` and `/metrics`, on a loopback address only.
//!
//! It shares nothing with the public listeners, so that no route can ever lead here.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::runtime::Runtime;

/// The listener. It ends when it is dropped.
pub struct Admin {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Admin {
    /// Binds and serves.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn bind(listen: SocketAddr, runtime: Arc<Runtime>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let app = Router::new()
            .route(
                "/healthz",
                get(|| async { text(StatusCode::OK, "ok\n".to_owned()) }),
            )
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(runtime);
        let task = tokio::spawn(async move {
            // Ends only with the process: axum retries what `accept` refuses.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Admin { address, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn ready(State(runtime): State<Arc<Runtime>>) -> impl IntoResponse {
    if runtime.is_ready() {
        text(StatusCode::OK, "ready\n".to_owned())
    } else {
        text(
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: starting or draining\n".to_owned(),
        )
    }
}

async fn metrics(State(runtime): State<Arc<Runtime>>) -> impl IntoResponse {
    text(StatusCode::OK, runtime.metrics.text())
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
