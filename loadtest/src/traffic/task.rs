//! What every client of the traffic is given.
//!
//! ```ignore
//! while !task.is_over() {
//!     task.diary.failed(&task.name, 1, &"no answer");
//! }
//! ```

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::behind::Behind;
use super::diary::Diary;
use super::door::Door;
use super::{HOST, PATIENCE};
use crate::icws::{ClientOptions, Protocol, Trust};

pub(super) struct Task {
    pub(super) name: String,
    pub(super) tls: bool,
    pub(super) door: Arc<Door>,
    pub(super) behind: Arc<Behind>,
    pub(super) diary: Arc<Diary>,
    pub(super) over: watch::Receiver<bool>,
    /// Given away with the first success.
    pub(super) ready: Option<mpsc::Sender<()>>,
}

impl Task {
    /// Whether this should be the last exchange.
    pub(super) fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// It works.
    pub(super) fn stands(&mut self) {
        self.ready = None;
    }

    /// Rests between two exchanges, shorter if it is over meanwhile.
    pub(super) async fn rest(&mut self, pause: Duration) {
        // The sender lives as long as the traffic.
        let _ = tokio::time::timeout(pause, self.over.wait_for(|over| *over)).await;
    }

    pub(super) fn count(&self, counter: impl Fn(&Diary) -> &AtomicU64) {
        Diary::count(counter(&self.diary));
    }

    /// The gateway's origin as a client writes it.
    pub(super) fn origin(&self) -> String {
        format!("{}://{HOST}", if self.tls { "https" } else { "http" })
    }

    /// How an ICWS client comes in.
    pub(super) fn icws(&self, protocol: Protocol) -> ClientOptions {
        let address = self.door.address(self.tls);
        ClientOptions::new(&format!("{}/us/{{host}}", self.origin()))
            .resolve(HOST, address)
            .trust(Trust::Authority(self.door.authority().to_owned()))
            .protocol(protocol)
    }
}

/// An answer within [`PATIENCE`].
pub(super) async fn in_time<T>(
    what: &str,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(|error| io::Error::new(error.kind(), format!("{what}: {error}"))),
        Err(_) => Err(io::Error::other(format!(
            "{what}: nothing within {PATIENCE:?}"
        ))),
    }
}
