//! The traffic of a busy gateway, honestly counted: what must not notice a reload, an upgrade or a drain.
//!
//! Nothing here is sent a second time, so nothing is hidden; but for requests of HTTP/2 of which GOAWAY says that nobody has looked at
//! them, and these are counted. What counts as a failure: a request without an answer or with a wrong one,
//! a connection that is refused, a WebSocket or an event stream that ends or has a gap. A kept connection that the server ends between
//! two requests is none.
//!
//! ```no_run
//! # async fn example(https: std::net::SocketAddr, plain: std::net::SocketAddr) -> std::io::Result<()> {
//! use loadtest::traffic::{Amount, Behind, Doors, Traffic};
//! use loadtest::wire::Authority;
//! let authority = Authority::new("Portcullis test authority")?; // has signed the gateway's certificate
//! let behind = Behind::start(&authority).await?; // behind.servers() and behind.routes() stand in the gateway's file
//! let doors = Doors { https, plain, authority: authority.pem() };
//! let traffic = Traffic::start(behind, doors, Amount::default()).await?;
//! // ... whatever it must not notice ...
//! let outcome = traffic.finish().await;
//! assert!(outcome.is_clean(), "{outcome}");
//! # Ok(()) }
//! ```

mod behind;
mod chats;
mod diary;
mod door;
mod events;
mod http1;
mod http2;
mod polls;
mod task;
mod websocket;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use behind::Behind;
pub use diary::{Failure, Outcome};

use diary::Diary;
use door::Door;
use task::Task;

/// The public name that everything is asked for.
pub const HOST: &str = "proxy.example.com";
/// The longest wait for anything: what takes longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Where the gateway listens.
#[derive(Clone, Debug)]
pub struct Doors {
    /// TLS with HTTP/2.
    pub https: SocketAddr,
    /// Plain HTTP.
    pub plain: SocketAddr,
    /// PEM of the authority that vouches for the gateway's certificate.
    pub authority: String,
}

/// How many of each there are; every second one over TLS.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    /// Kept HTTP/1.1 connections with GET and POST.
    pub http1: usize,
    /// HTTP/2 connections with four requests at a time.
    pub http2: usize,
    /// Clients that open a new connection for each request.
    pub fresh: usize,
    /// WebSockets.
    pub websockets: usize,
    /// Event streams of a web server.
    pub event_streams: usize,
    /// Event streams of ICWS sessions, every second one over HTTP/2.
    pub icws_streams: usize,
    /// ICWS sessions that poll.
    pub icws_polls: usize,
    /// Web Tools pages that poll.
    pub chats: usize,
}

impl Default for Amount {
    fn default() -> Self {
        Amount {
            http1: 8,
            http2: 4,
            fresh: 4,
            websockets: 100,
            event_streams: 60,
            icws_streams: 40,
            icws_polls: 50,
            chats: 50,
        }
    }
}

/// Clients at work.
pub struct Traffic {
    diary: Arc<Diary>,
    over: watch::Sender<bool>,
    tasks: JoinSet<()>,
    behind: Arc<Behind>,
}

impl Traffic {
    /// Starts everything; returns when every stream stands and every client has had its first answer.
    ///
    /// # Errors
    /// Something failed before that; the text says all of it.
    pub async fn start(behind: Behind, doors: Doors, amount: Amount) -> io::Result<Traffic> {
        let door = Arc::new(Door::new(doors)?);
        let behind = Arc::new(behind);
        let diary = Arc::new(Diary::new());
        let over = watch::Sender::new(false);
        let (ready, mut begun) = mpsc::channel::<()>(1);
        let mut tasks = JoinSet::new();
        let task = |name: &str, at: usize| Task {
            name: format!("{name} {at}"),
            tls: at.is_multiple_of(2),
            door: door.clone(),
            behind: behind.clone(),
            diary: diary.clone(),
            over: over.subscribe(),
            ready: Some(ready.clone()),
        };
        for at in 0..amount.http1 {
            tasks.spawn(http1::kept(task("kept connection", at)));
        }
        for at in 0..amount.http2 {
            tasks.spawn(http2::connection(task("HTTP/2 connection", at)));
        }
        for at in 0..amount.fresh {
            tasks.spawn(http1::fresh(task("new connections", at)));
        }
        for at in 0..amount.websockets {
            tasks.spawn(websocket::echo(task("WebSocket", at)));
        }
        for at in 0..amount.event_streams {
            tasks.spawn(events::web(task("event stream", at)));
        }
        for at in 0..amount.icws_streams {
            tasks.spawn(events::icws(task("ICWS event stream", at), at % 4 < 2));
        }
        for at in 0..amount.icws_polls {
            tasks.spawn(polls::icws(task("ICWS poll", at)));
        }
        for at in 0..amount.chats {
            tasks.spawn(chats::page(task("chat", at)));
        }
        drop(ready);
        let traffic = Traffic {
            diary,
            over,
            tasks,
            behind,
        };
        // Ends when everybody has given its sender away, by success or by failure.
        let all = async { while begun.recv().await.is_some() {} };
        let late = tokio::time::timeout(PATIENCE * 2, all).await.is_err();
        let outcome = traffic.diary.outcome();
        if late || !outcome.is_clean() {
            return Err(io::Error::other(format!("late: {late}; {outcome}")));
        }
        Ok(traffic)
    }

    /// What has happened so far.
    pub fn so_far(&self) -> Outcome {
        self.diary.outcome()
    }

    /// The servers behind the gateway.
    pub fn behind(&self) -> &Behind {
        &self.behind
    }

    /// Ends everything in good form: each stream must show once more that it is alive.
    pub async fn finish(mut self) -> Outcome {
        self.over.send_replace(true);
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Err(error) = ended {
                    self.diary.failed("a client", 0, &error);
                }
            }
        };
        if tokio::time::timeout(PATIENCE * 2, all).await.is_err() {
            let left = self.tasks.len();
            self.diary
                .failed("the end", 0, &format!("{left} clients do not end"));
        }
        self.diary.outcome()
    }
}
