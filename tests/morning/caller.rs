//! A client whose every request is in the ledger.
//!
//! ```ignore
//! let mut caller = Caller::new(&door, Way::Http2).await;
//! let answer = caller.ask(SEARCH, "GET", "/I3Root/WebServices/Server1/x", "").await;
//! ```

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::client::{Answer, Client};
use super::ledger::{Ledger, Place};

/// Where the load comes from: no limit holds for it.
pub const FROM: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// The gateway's listeners, and what is counted of the load.
pub struct Door {
    pub tls: SocketAddr,
    pub plain: SocketAddr,
    pub ledger: Ledger,
}

/// How somebody comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// HTTP/1.1 in the clear.
    Http1,
    /// HTTP/2 over TLS.
    Http2,
}

impl Way {
    /// Every second one.
    pub fn of(number: usize) -> Way {
        match number.is_multiple_of(2) {
            true => Way::Http1,
            false => Way::Http2,
        }
    }
}

/// One connection, or one more after it was closed.
pub struct Caller {
    pub door: Arc<Door>,
    client: Client,
}

impl Caller {
    pub async fn new(door: &Arc<Door>, way: Way) -> Caller {
        let client = match way {
            Way::Http1 => Client::http1_at(door.plain, FROM),
            Way::Http2 => {
                door.ledger.handshake("TLSv1.3", "done");
                Client::http2_at(door.tls, FROM).await.unwrap()
            }
        };
        let door = Arc::clone(door);
        Caller { door, client }
    }

    /// One that shows this too, on the same connection over HTTP/2.
    pub fn with(&self, fields: &[(&str, &str)]) -> Caller {
        let client = fields
            .iter()
            .fold(self.client.another(), |client, (name, value)| {
                client.with(name, value)
            });
        let door = Arc::clone(&self.door);
        Caller { door, client }
    }

    /// A request that leads to a server. 502 is the gateway's word that it cannot be reached; everything else is the server's.
    pub async fn ask(&mut self, place: Place, method: &str, path: &str, body: &str) -> Answer {
        let answer = self.client.got(method, path, body).await;
        let (received, sent) = (body.len(), answer.body.len());
        match answer.status {
            502 => self
                .door
                .ledger
                .unreachable(place, method, (received, sent)),
            code => self
                .door
                .ledger
                .answered(place, method, code, received, sent),
        }
        answer
    }
}
