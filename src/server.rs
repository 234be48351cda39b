//! The running gateway: front door, proxy and admin listener over one snapshot, started, reloaded and stopped as a whole.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use portcullis::{config, server::Server};
//! let (config, _) = config::load(std::path::Path::new("portcullis.yaml"))?;
//! let server = Server::start(&config).await?;
//! println!("{:?}", server.bound());
//! server.stop(std::time::Duration::from_secs(30)).await;
//! # Ok(()) }
//! ```

mod memory;
mod upgrade;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use log::{info, warn};
use pingora_core::server::configuration::ServerConf;
use pingora_proxy::{HttpProxy, http_proxy};
use tokio::task::JoinHandle;

use crate::admin::{Admin, Bound};
use crate::diagnostic::Diagnostic;
use crate::front_door::{BindErrors, FrontDoor};
use crate::gateway::Gateway;
use crate::handover::{self, Predecessor};
use crate::limits::doorkeeper::Keeper;
use crate::limits::interactions::Interactions;
use crate::load::Loaded;
use crate::reload::{FIRST_LOOK_UP, Running, Turn, aside, broke_off};
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;

/// Idle connections to all servers together that wait for the next request. The least recently used go first.
const POOLED: usize = 4096;
/// Times one request may try, at most, whatever the reason: three addresses and one repeat, of four servers that stand in for one
/// another. `gateway::repeat` decides about each.
const TRIES: usize = 4 * crate::routing::fail_over::MOST;

/// A disk or receiver that does not take the access log's last lines holds up the end for no longer.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Why the gateway does not start, or keeps what it runs.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong; nothing was changed.
    #[error("the configuration has {} mistake(s)", .0.len())]
    Config(Vec<Diagnostic>),
    /// An address cannot be listened on; nothing was changed.
    #[error("{0}")]
    Listen(String),
    /// The process that runs did not hand over; it goes on.
    #[error("the running process did not hand over: {0}")]
    Handover(#[from] handover::Failed),
}

/// A gateway that runs on the current tokio runtime until it is stopped.
pub struct Server {
    pub(crate) snapshot: Arc<ArcSwap<Snapshot>>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) door: FrontDoor<HttpProxy<Gateway>>,
    admin: Mutex<Admin>,
    /// Ended with the server.
    tasks: Vec<JoinHandle<()>>,
    /// Follows what is left of the process before this one.
    predecessor: Option<JoinHandle<()>>,
    /// A new process has everything.
    handed_over: AtomicBool,
    /// What was read; locked for as long as a reload takes, so that there is one at a time.
    pub(crate) running: tokio::sync::Mutex<Running>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let following = self.predecessor.iter();
        self.tasks
            .iter()
            .chain(following)
            .for_each(JoinHandle::abort);
        self.runtime.health.stop();
    }
}

impl Server {
    /// Compiles the configuration, binds every listener and begins to serve.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left listening then.
    pub async fn start(loaded: impl Into<Loaded>) -> Result<Self, StartError> {
        Server::start_after(loaded, None).await
    }

    /// The same in place of a process that runs: its sockets are taken over, and what it remembers of clients.
    ///
    /// # Errors
    /// [`StartError`]; the other process goes on then.
    pub async fn start_after(
        loaded: impl Into<Loaded>,
        mut predecessor: Option<Predecessor>,
    ) -> Result<Self, StartError> {
        let Loaded { config, digest } = loaded.into();
        let key = predecessor.as_ref().map(Predecessor::key);
        let interactions = key.map_or_else(Interactions::new, |key| Interactions::after(&key));
        let runtime = Arc::new(Runtime::with(interactions));
        let (compiling, of) = (config.clone(), runtime.clone());
        let compiled = aside::run(move || Snapshot::compile(&compiling, &of)).await;
        let compiled = compiled
            .unwrap_or_else(|| Err(vec![broke_off()]))
            .map_err(StartError::Config)?;
        let wanted = compiled.listeners.clone();
        let admin_address = compiled.admin.listen;
        runtime.resolver.settled(FIRST_LOOK_UP).await;
        let snapshot = Arc::new(ArcSwap::from_pointee(compiled));
        let proxy = proxy(Gateway::new(snapshot.clone(), runtime.clone()));
        let door = FrontDoor::new(
            Arc::new(proxy),
            Arc::new(Keeper::new(snapshot.clone(), runtime.clone())),
        );
        let inherited = predecessor
            .as_mut()
            .and_then(|old| old.take_admin(admin_address));
        let bound = match inherited {
            Some(socket) => Bound::inherited(admin_address, socket),
            None => Bound::at(admin_address, None),
        };
        let admin = bound
            .and_then(|bound| bound.serve(snapshot.clone(), runtime.clone()))
            .map_err(|error| no_admin(admin_address, &error))?;
        match &mut predecessor {
            None => memory::restore(&snapshot.load(), &runtime),
            Some(old) => {
                door.inherit(old.take_sockets());
                let heritage = old.release().await?;
                let bans = heritage.restore(&runtime.limits, &runtime.people);
                let bans = memory::run_on(bans);
                info!("taking over from process {}: {bans}", old.pid());
            }
        }
        let targets = snapshot.load().access_log.clone();
        runtime.access_log.follow(targets);
        door.apply(wanted).await.map_err(not_bound)?;
        let (ticking, ticked) = (runtime.clone(), snapshot.clone());
        let tasks = vec![
            tokio::spawn(async move { ticking.tick(&ticked).await }),
            tokio::spawn(memory::keep(snapshot.clone(), runtime.clone())),
        ];
        let mut server = Server {
            tasks,
            snapshot,
            runtime,
            door,
            admin: Mutex::new(admin),
            handed_over: AtomicBool::new(false),
            predecessor: None,
            running: tokio::sync::Mutex::new(Running {
                config,
                digest,
                turn: Turn::default(),
            }),
        };
        if let Some(old) = predecessor {
            match old.serving().await {
                Ok(remains) => {
                    let following = upgrade::follow(remains, server.runtime.clone());
                    server.predecessor = Some(tokio::spawn(following));
                }
                // It has left the sockets and the last word to this process, however it ended.
                Err(why) => {
                    warn!("the old process has gone before its connections finished: {why}");
                }
            }
        }
        server.announce();
        server.started().await;
        server.runtime.set_ready();
        Ok(server)
    }

    /// Each listener as the file has it and as it is: they differ for port 0, which lets the system choose.
    pub fn bound(&self) -> Vec<(SocketAddr, SocketAddr)> {
        self.door.bound()
    }

    /// Ends with the process before this one, if there is one that still finishes.
    pub(crate) fn predecessor(&mut self) -> Option<JoinHandle<()>> {
        self.predecessor.take()
    }

    /// Where the admin listener is.
    pub fn admin(&self) -> SocketAddr {
        self.admin_listener().address()
    }

    /// The same as the beginning of a URL.
    pub fn admin_url(&self) -> String {
        let scheme = match self.snapshot.load().admin.tls {
            Some(_) => "https",
            None => "http",
        };
        format!("{scheme}://{}", self.admin())
    }

    pub(crate) fn admin_listener(&self) -> MutexGuard<'_, Admin> {
        self.admin.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the file says at the moment.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Says with every answer that this process ends, and that it is not ready, while it still accepts.
    pub fn announce_end(&self) {
        self.runtime.drains();
        self.door.announce_end();
    }

    /// Snapshots that have been replaced and that requests still hold on to.
    pub fn retired(&self) -> usize {
        self.runtime.retired.len()
    }

    /// Stops: no new connections, living ones finish, at the latest after `within`. Returns how many had to be cut then.
    pub async fn stop(self, within: Duration) -> usize {
        self.runtime.drains();
        let cut = self.door.close(within).await;
        if !self.handed_over.load(Ordering::Relaxed)
            && let Some(file) = self.snapshot.load().lifecycle.state.clone()
            && let Err(why) = memory::save(file, self.runtime.clone(), true).await
        {
            warn!("bans are not kept over this restart: {why}");
        }
        self.flush().await;
        cut
    }

    /// Opens the access log anew, after it was moved away.
    pub fn reopen_access_log(&self) {
        self.runtime.access_log.reopen();
    }

    /// Gives the last lines of the access log a moment to reach disk and receiver.
    pub(crate) async fn flush(&self) {
        let runtime = self.runtime.clone();
        aside::run(move || runtime.access_log.finish(LAST_LINES)).await;
    }

    pub(crate) fn announce(&self) {
        let snapshot = self.snapshot.load();
        let public = self.bound().into_iter().map(|(_, bound)| bound);
        let own = public.chain([self.admin()]).collect();
        self.runtime.itself.listens(own);
        self.runtime.metrics.follow(&snapshot);
        self.runtime.health.follow(&snapshot.upstreams);
        let (runtime, named) = (self.runtime.clone(), self.snapshot());
        // PERF: a hundred thousand names take tens of milliseconds, which clients would have to share.
        aside::begin(move || runtime.metrics.forget(&named));
        for upstream in snapshot
            .upstreams
            .iter()
            .filter(|upstream| upstream.is_insecure())
        {
            let name = &upstream.facts.name;
            warn!(
                "INSECURE: the certificate of {name} ({}) is not verified: whoever can redirect this connection reads \
                 and changes everything. Give the server a `ca` and remove `insecure: true`.",
                upstream.facts.url
            );
        }
    }
}

fn no_admin(listen: SocketAddr, error: &io::Error) -> StartError {
    let why = why_not(listen, error);
    StartError::Listen(format!(
        "the admin listener cannot listen on {listen}: {error}{why}"
    ))
}

fn not_bound(errors: BindErrors) -> StartError {
    let all: Vec<String> = errors
        .iter()
        .map(|found| format!("{found}{}", why_not(found.listen, &found.error)))
        .collect();
    StartError::Listen(all.join("; "))
}

/// What to do about an address that cannot be listened on.
pub(crate) fn why_not(listen: SocketAddr, error: &io::Error) -> String {
    let port = listen.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(": another process has this port, `ss -ltnp 'sport = :{port}'` names it")
        }
        io::ErrorKind::AddrNotAvailable => ": no interface of this machine has it".to_owned(),
        io::ErrorKind::PermissionDenied if port < 1024 => {
            ": ports below 1024 need CAP_NET_BIND_SERVICE, which the systemd unit gives \
             (`AmbientCapabilities=CAP_NET_BIND_SERVICE`), or `setcap cap_net_bind_service=+ep` on the program"
                .to_owned()
        }
        _ => String::new(),
    }
}

fn proxy(gateway: Gateway) -> HttpProxy<Gateway> {
    let conf = ServerConf {
        upstream_keepalive_pool_size: POOLED,
        max_retries: TRIES,
        ..ServerConf::default()
    };
    http_proxy(&Arc::new(conf), gateway)
}

#[cfg(test)]
mod tests;
