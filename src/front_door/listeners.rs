//! The set of listeners, changed as a whole.
//!
//! ```
//! use portcullis::front_door::{BindError, BindErrors};
//! fn report(errors: &BindErrors) {
//!     for BindError { listen, error } in errors.iter() {
//!         eprintln!("{listen}: {error}");
//!     }
//! }
//! ```

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use pingora_core::apps::HttpServerApp;
use socket2::Socket;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{ListenerSettings, Shared, listener};

/// An address that could not be bound.
#[derive(Debug, Error)]
#[error("cannot listen on {listen}: {error}")]
pub struct BindError {
    /// As it was asked for.
    pub listen: SocketAddr,
    /// What the system says; `AddrInUse` also for an address that is listed twice.
    pub error: io::Error,
}

/// Every address that could not be bound.
pub type BindErrors = Vec<BindError>;

/// A listening socket, and the address that the file has for it.
pub type Inherited = (SocketAddr, OwnedFd);

#[derive(Default)]
pub(super) struct Listeners {
    list: Mutex<Vec<Listener>>,
    /// Of the process before this one, until the first change has taken what it wants.
    inherited: Mutex<Vec<Inherited>>,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
}

struct Listener {
    wanted: SocketAddr,
    actual: SocketAddr,
    /// The accept loop's, so that a new address can take its port over.
    /// The accept loop's, for a new address that takes its port over and for the next process.
    socket: Arc<TcpListener>,
    settings: Arc<ArcSwap<ListenerSettings>>,
    /// Ends the accept loop once its queue is empty.
    leave: Arc<Notify>,
    accepting: JoinHandle<()>,
}

impl Listeners {
    pub(super) fn inherit(&self, sockets: Vec<Inherited>) {
        *self
            .inherited
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = sockets;
    }

    /// The sockets, for another process.
    pub(super) fn sockets(&self) -> io::Result<Vec<Inherited>> {
        let list = self.lock();
        let handed = |l: &Listener| Ok((l.wanted, l.socket.as_fd().try_clone_to_owned()?));
        list.iter().map(handed).collect()
    }

    /// Stops accepting and keeps the sockets: who comes meanwhile waits in the kernel's queue.
    pub(super) async fn pause(&self) {
        let _alone = self.changing.lock().await;
        let accepting: Vec<_> = {
            let mut list = self.lock();
            let tasks = list.iter_mut().map(|l| {
                l.accepting.abort();
                std::mem::replace(&mut l.accepting, tokio::spawn(async {}))
            });
            tasks.collect()
        };
        for task in accepting {
            let _ = task.await;
        }
    }

    /// Accepts again.
    pub(super) async fn resume<A>(&self, door: &Arc<Shared<A>>)
    where
        A: HttpServerApp + Send + Sync + 'static,
    {
        let _alone = self.changing.lock().await;
        for listener in self.lock().iter_mut() {
            listener.accepting.abort();
            listener.accepting =
                accept(&listener.socket, &listener.settings, &listener.leave, door);
        }
    }

    pub(super) async fn apply<A>(
        &self,
        wanted: Vec<ListenerSettings>,
        door: &Arc<Shared<A>>,
    ) -> Result<(), BindErrors>
    where
        A: HttpServerApp + Send + Sync + 'static,
    {
        let _alone = self.changing.lock().await;
        let had = self.had();
        let mut inherited = std::mem::take(
            &mut *self
                .inherited
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let mut fresh = {
            let wanted: Vec<SocketAddr> = wanted.iter().map(|new| new.listen).collect();
            open_all(bind_new(&wanted, had, &mut inherited)?)?
        }
        .into_iter();
        let leaving =
            {
                let mut list = self.lock();
                let mut old = std::mem::take(&mut *list);
                for settings in wanted {
                    // Listeners on port 0 are told apart by their order.
                    let kept = old.iter().position(|l| l.wanted == settings.listen);
                    match kept.map(|at| old.remove(at)) {
                        Some(kept) => {
                            kept.swap(settings);
                            list.push(kept);
                        }
                        None => list.extend(fresh.next().map(|(socket, actual)| {
                            Listener::start(socket, actual, settings, door)
                        })),
                    }
                }
                old
            };
        stop_all(leaving).await;
        Ok(())
    }

    pub(super) fn cannot_be_bound(&self, wanted: &[SocketAddr]) -> BindErrors {
        let had = self.had();
        let leaving = leaving(wanted, &had);
        let bound = bind_new(wanted, had, &mut Vec::new());
        listener::unshare(&leaving);
        bound.err().unwrap_or_default()
    }

    pub(super) async fn stop(&self) {
        let _alone = self.changing.lock().await;
        let leaving = std::mem::take(&mut *self.lock());
        stop_all(leaving).await;
    }

    pub(super) fn bound(&self) -> Vec<(SocketAddr, SocketAddr)> {
        self.lock().iter().map(|l| (l.wanted, l.actual)).collect()
    }

    fn had(&self) -> Vec<Had> {
        let sockets = |l: &Listener| (l.wanted, l.socket.clone());
        self.lock().iter().map(sockets).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Binds what is wanted and neither there yet nor inherited, in order; all or nothing.
fn bind_new(
    wanted: &[SocketAddr],
    mut had: Vec<Had>,
    inherited: &mut Vec<Inherited>,
) -> Result<Vec<Fresh>, BindErrors> {
    let leaving = leaving(wanted, &had);
    let mut seen: Vec<SocketAddr> = Vec::new();
    let mut fresh = Vec::new();
    let mut errors = Vec::new();
    for &listen in wanted {
        if listen.port() != 0 && seen.contains(&listen) {
            let error = io::Error::new(io::ErrorKind::AddrInUse, "listed twice");
            errors.push(BindError { listen, error });
            continue;
        }
        seen.push(listen);
        if let Some(at) = had.iter().position(|(had, _)| *had == listen) {
            had.remove(at);
            continue;
        }
        let at = inherited.iter().position(|(wanted, _)| *wanted == listen);
        let bound = match at.map(|at| inherited.remove(at)) {
            Some((_, socket)) => listener::from_fd(socket).map(Fresh::Inherited),
            None => listener::bind(listen, &leaving).map(|socket| Fresh::Bound(listen, socket)),
        };
        match bound {
            Ok(bound) => fresh.push(bound),
            Err(error) => errors.push(BindError { listen, error }),
        }
    }
    if errors.is_empty() {
        Ok(fresh)
    } else {
        listener::unshare(&leaving);
        Err(errors)
    }
}

/// A listener's address in the file, and its socket.
type Had = (SocketAddr, Arc<TcpListener>);

/// A socket that was not there before.
enum Fresh {
    Inherited(TcpListener),
    /// Nobody comes in by it yet.
    Bound(SocketAddr, Socket),
}

fn leaving(wanted: &[SocketAddr], had: &[Had]) -> Vec<Arc<TcpListener>> {
    had.iter()
        .filter(|(had, _)| !wanted.contains(had))
        .map(|(_, socket)| socket.clone())
        .collect()
}

/// Listens on all of them, now that each could be had.
fn open_all(fresh: Vec<Fresh>) -> Result<Vec<(TcpListener, SocketAddr)>, BindErrors> {
    let open = |fresh| {
        let (listen, opened) = match fresh {
            Fresh::Inherited(socket) => (None, Ok(socket)),
            Fresh::Bound(listen, socket) => (Some(listen), listener::open(socket)),
        };
        let opened = opened.and_then(|socket| socket.local_addr().map(|actual| (socket, actual)));
        opened.map_err(|error| {
            let listen = listen.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)));
            vec![BindError { listen, error }]
        })
    };
    fresh.into_iter().map(open).collect()
}

/// Returns when the sockets are closed, so that their addresses are free. Who was in their queues has been let in.
async fn stop_all(leaving: Vec<Listener>) {
    for listener in &leaving {
        listener.leave.notify_one();
    }
    for mut listener in leaving {
        // An error only if it was paused: cancelled.
        let _ = (&mut listener.accepting).await;
    }
}

fn accept<A>(
    socket: &Arc<TcpListener>,
    settings: &Arc<ArcSwap<ListenerSettings>>,
    leave: &Arc<Notify>,
    door: &Arc<Shared<A>>,
) -> JoinHandle<()>
where
    A: HttpServerApp + Send + Sync + 'static,
{
    let (socket, settings) = (socket.clone(), settings.clone());
    tokio::spawn(listener::accept_loop(
        socket,
        settings,
        door.clone(),
        leave.clone(),
    ))
}

/// A front door that is dropped stops accepting; its connections finish by themselves.
impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listener {
    fn start<A>(
        socket: TcpListener,
        actual: SocketAddr,
        settings: ListenerSettings,
        door: &Arc<Shared<A>>,
    ) -> Listener
    where
        A: HttpServerApp + Send + Sync + 'static,
    {
        let wanted = settings.listen;
        let (socket, settings) = (Arc::new(socket), Arc::new(ArcSwap::from_pointee(settings)));
        let leave = Arc::default();
        Listener {
            wanted,
            actual,
            accepting: accept(&socket, &settings, &leave, door),
            socket,
            settings,
            leave,
        }
    }

    /// Equal settings stay the same object.
    fn swap(&self, settings: ListenerSettings) {
        if **self.settings.load() != settings {
            self.settings.store(Arc::new(settings));
        }
    }
}
