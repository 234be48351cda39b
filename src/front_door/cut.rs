//! What is open for a client whom an operator cuts off: it ends at once, in the middle of whatever it is.
//!
//! A connection ends when its client is cut off. Behind a trusted proxy one connection carries many clients, so there each request
//! ends by itself, as soon as it is known whose it is.
//!
//! ```ignore
//! let cuts = Cuts::watch(&*keeper); // before the client is admitted: no cut is missed
//! tokio::select! { () = serve => {} () = cuts.reach(&*keeper, || Some(peer)) => {} }
//! ```

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use super::{Connection, Doorkeeper};

/// Cuts from here on.
pub(super) struct Cuts(Option<watch::Receiver<u64>>);

/// The client of a request that came through a trusted proxy, once it is known.
pub(super) type Named = Arc<OnceLock<IpAddr>>;

impl Cuts {
    pub(super) fn watch(keeper: &dyn Doorkeeper) -> Cuts {
        Cuts(keeper.cuts())
    }

    /// Returns when the client is cut off, and never without one.
    ///
    /// PERF: nobody is looked for among connections. All of them wake up and ask for their own client, which only an operator causes.
    pub(super) async fn reach(
        mut self,
        keeper: &dyn Doorkeeper,
        client: impl Fn() -> Option<IpAddr>,
    ) {
        if let Some(cuts) = &mut self.0 {
            while cuts.changed().await.is_ok() {
                if client().is_some_and(|client| keeper.is_cut(client)) {
                    return;
                }
            }
        }
        std::future::pending::<()>().await;
    }
}

/// A place for the client's name, where it can be another than the connection's. PERF: otherwise nothing is allocated.
pub(super) fn named(connection: &Connection) -> Option<Named> {
    let peer = connection.peer.ip();
    connection.listener.trusts(peer).then(Named::default)
}

/// Done when the client of this request is cut off; never for one that came straight to us, whose connection ends as a whole. It sees
/// every cut since it was made, not since it was first polled.
pub(super) fn of_request(
    keeper: &dyn Doorkeeper,
    named: Option<Named>,
) -> impl Future<Output = ()> {
    let watched = named.map(|named| (Cuts::watch(keeper), named));
    async move {
        match watched {
            None => std::future::pending().await,
            Some((cuts, named)) => cuts.reach(keeper, || named.get().copied()).await,
        }
    }
}
