//! The simulated server: its listener, its sessions and the switches for tests.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use loadtest::icws::{IcwsOptions, IcwsServer, Role};
//! let server = IcwsServer::start(IcwsOptions::named("icserver2")).await?;
//! server.change(|b| {
//!     b.role = Role::Backup;
//!     b.alternates = vec!["icserver1".into()];
//! });
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::behaviour::Behaviour;
use super::session::{Session, Sessions, lock};
use super::sso::SingleSignOn;
use super::status::Statuses;
use super::webchat::WebChats;
use super::{answer, messaging, proof, routes, transfer};
use crate::wire::{Exchange, Recorder, Server, ServerOptions, ServerTls, Service};

/// How a simulated ICWS is set up.
#[derive(Clone)]
pub struct IcwsOptions {
    /// The server's name as Interaction Administrator spells it; `icServer` in the login answer.
    pub name: String,
    /// Where to listen; port 0 lets the system choose.
    pub bind: SocketAddr,
    /// TLS (the real server's port 8019) or plain HTTP (8018).
    pub tls: Option<ServerTls>,
    /// Where requests are recorded.
    pub recorder: Recorder,
    /// Users who can log in: id and password.
    pub logins: Vec<(String, String)>,
    /// Number of users in `configuration/users`.
    pub configured_users: usize,
    /// Where a single sign-on is sent: an absolute URL.
    pub identity_provider: String,
    /// The switches at the start.
    pub behaviour: Behaviour,
}

impl IcwsOptions {
    /// Plain HTTP on a port of the system's choice, users `agent1`/`secret1` to `agent9`/`secret9`, 1234 configured users.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            recorder: Recorder::default(),
            logins: (1..=9)
                .map(|number| (format!("agent{number}"), format!("secret{number}")))
                .collect(),
            configured_users: 1234,
            identity_provider: "https://idp.example.com/saml/login".to_owned(),
            behaviour: Behaviour::default(),
        }
    }
}

/// A running simulated ICWS. Dropping it closes the listener and every connection.
pub struct IcwsServer {
    wire: Server,
    state: Arc<State>,
}

/// What all requests of one server share.
pub(super) struct State {
    pub(super) name: String,
    pub(super) tls: bool,
    pub(super) logins: Vec<(String, String)>,
    pub(super) configured_users: usize,
    pub(super) sessions: Sessions,
    pub(super) statuses: Statuses,
    pub(super) sso: SingleSignOn,
    pub(super) chats: WebChats,
    behaviour: Mutex<Behaviour>,
}

impl State {
    pub(super) fn behaviour(&self) -> Behaviour {
        lock(&self.behaviour).clone()
    }
}

impl IcwsServer {
    /// Binds and serves in the background of the current runtime.
    ///
    /// # Errors
    /// The address cannot be bound, or the TLS identity is not usable.
    pub async fn start(options: IcwsOptions) -> io::Result<Self> {
        let state = Arc::new(State {
            name: options.name.clone(),
            tls: options.tls.is_some(),
            logins: options.logins,
            configured_users: options.configured_users,
            sessions: Sessions::default(),
            statuses: Statuses::default(),
            sso: SingleSignOn::new(options.identity_provider),
            chats: WebChats::default(),
            behaviour: Mutex::new(options.behaviour),
        });
        let wire = ServerOptions {
            name: options.name,
            bind: options.bind,
            tls: options.tls,
            recorder: options.recorder,
        };
        let wire = Server::start(wire, Icws(Arc::clone(&state))).await?;
        Ok(Self { wire, state })
    }

    /// The listener: address, recorder, faults.
    pub fn wire(&self) -> &Server {
        &self.wire
    }

    /// The switches now.
    pub fn behaviour(&self) -> Behaviour {
        self.state.behaviour()
    }

    /// Changes the switches; the next request sees them.
    pub fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut lock(&self.state.behaviour));
    }

    /// The live sessions, in no order.
    pub fn sessions(&self) -> Vec<Arc<Session>> {
        self.state.sessions.all()
    }

    /// One live session.
    pub fn session(&self, id: &str) -> Option<Arc<Session>> {
        self.state.sessions.get(id)
    }

    /// Ends a session as an idle timeout or an administrator would; whether it existed.
    pub fn end_session(&self, id: &str) -> bool {
        self.state.sessions.end(id)
    }

    /// Puts a message into a session; its number, or `None` when there is no such session. What became of it is
    /// [`super::Mailbox::truth`], when it was written [`super::Mailbox::written`].
    pub fn push(&self, session: &str, message: Value) -> Option<u64> {
        Some(self.session(session)?.mailbox().push(message))
    }

    /// Chats of the sessionless calls that are active now.
    pub fn active_chats(&self) -> usize {
        self.state.chats.active_chats()
    }

    /// Callbacks of the sessionless calls that are active now.
    pub fn active_callbacks(&self) -> usize {
        self.state.chats.active_callbacks()
    }
}

struct Icws(Arc<State>);

impl Service for Icws {
    async fn answer(&self, exchange: &mut Exchange<'_>) -> io::Result<()> {
        let state = self.0.as_ref();
        let request = Arc::clone(exchange.request());
        let Some(segments) = routes::segments(&request) else {
            return exchange.reply(answer::not_found()).await;
        };
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        // Three calls write or read piece by piece; every other one takes a whole body and gives a whole answer.
        match (request.method.as_str(), path.as_slice()) {
            ("GET", [sid, "messaging", "messages"]) => {
                match proof::of_cookie(state, exchange.connected(), &request, sid) {
                    Ok(session) => messaging::messages(state, exchange, &session).await,
                    Err(refusal) => exchange.reply(refusal).await,
                }
            }
            ("POST" | "PUT", [sid, rest @ ..]) if transfer::is_upload(rest) => {
                match proof::of_all(state, exchange.connected(), &request, sid) {
                    Ok(_) => transfer::upload(exchange, rest).await,
                    Err(refusal) => exchange.reply(refusal).await,
                }
            }
            ("GET", [sid, "simulate", "download", size]) => {
                match proof::of_all(state, exchange.connected(), &request, sid) {
                    Ok(_) => transfer::download(exchange, size).await,
                    Err(refusal) => exchange.reply(refusal).await,
                }
            }
            _ => {
                let body = exchange.body().await?;
                let call = routes::Call {
                    state,
                    request: &request,
                    connected: exchange.connected(),
                    body: &body,
                };
                let reply = answer::compress(
                    routes::answer(&call, &path),
                    &request,
                    state.behaviour().compress_from,
                );
                exchange.reply(reply).await
            }
        }
    }
}
