//! Connections to the admin listener: how many, how long each may be silent, and how each ends.
//!
//! ```text
//! accept ── room? the oldest goes ── head within 30 s ── answer, as long as it is taken ──┐
//!                                        ^── the next request, or silence for 30 s ──────┘
//! ```

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use crate::front_door::{LINGER, Socket};

/// Connections at the same time: a scraper, health checks, and browsers that hold on to an event stream.
const MOST: usize = 128;
/// The largest head.
const HEAD: usize = 16 * 1024;
/// After this the system is asked again when it gives no connection.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a caller may keep a connection waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// From the connection, or from the last answer, to the end of a request's head.
    head: Duration,
    /// What is written waits for the caller; 500 bytes taken pay for a second of it. An answer may last as long as it likes.
    write: Duration,
}

/// What holds in the running gateway.
pub(super) const PATIENCE: Patience = Patience {
    head: Duration::from_secs(30),
    write: Duration::from_secs(30),
};

/// Serves until it is dropped, which ends every connection too.
pub(super) async fn serve(listener: TcpListener, app: Router, patience: Patience) {
    let mut tasks = JoinSet::new();
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let tcp = match listener.accept().await {
            Ok((tcp, _)) => tcp,
            Err(error) => {
                log::error!("the admin listener cannot accept: {error}; next try in {PAUSE:?}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        while tasks.try_join_next().is_some() {}
        open.retain(|connection| !connection.is_finished());
        // SECURITY: the oldest goes, not the newest: whoever holds every place for ever would else have blinded the operator.
        while open.len() >= MOST
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        open.push_back(tasks.spawn(connection(tcp, app.clone(), patience)));
    }
}

async fn connection(tcp: TcpStream, app: Router, patience: Patience) {
    let mut socket = Socket::new(tcp, patience.write);
    // A fault of the caller's is answered by hyper, or nobody is left to hear of it.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_header_size(HEAD)
        .max_buf_size(2 * HEAD)
        .serve_connection(TokioIo::new(&mut socket), TowerToHyperService::new(app))
        .await;
    // What was not read would turn the close into a reset, and the caller would not get to read why.
    let (time, most) = LINGER;
    let _ = timeout(time, async {
        socket.shutdown().await?;
        tokio::io::copy(&mut socket.take(most as u64), &mut tokio::io::sink()).await
    })
    .await;
}
