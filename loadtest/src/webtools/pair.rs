//! A running pair: two servers over one site, the agent behind them, and the switch from one to the other.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use loadtest::webtools::{Death, Node, Pair};
//! let pair = Pair::start().await?;
//! // … a page starts a chat through `pair.a.base_url()` …
//! let chat = pair.only_chat().unwrap();
//! pair.agent_says(&chat, "How can I help?");
//! pair.switch_over(Death::Reset).await; // A is gone, B is the active server
//! pair.end_chat(&chat);
//! assert_eq!(pair.truth().chats(), 0);
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;

use super::chat::Chat;
use super::event::{Event, Party, State};
use super::params::ParameterError;
use super::server::{Mode, WebToolsServer};
use super::site::{Node, Site};
use super::truth::Truth;
use crate::wire::{ServerOptions, ServerTls};

/// How a server dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Its connections are reset and new ones refused.
    Reset,
    /// It accepts and never answers.
    Hang,
    /// It answers 503 to everything, as the backup of a pair does.
    Unavailable,
}

/// How a pair is set up.
#[derive(Clone, Debug)]
pub struct PairOptions {
    /// TLS of both servers, or plain HTTP.
    pub tls: Option<ServerTls>,
    /// Host names of server A and server B that are right in a Host header, beside the address; without port.
    pub names: [Vec<String>; 2],
    /// Where server A and server B listen; port 0 lets the system choose.
    pub bind: [SocketAddr; 2],
}

impl Default for PairOptions {
    fn default() -> Self {
        let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        PairOptions {
            tls: None,
            names: Default::default(),
            bind: [bind, bind],
        }
    }
}

/// Servers A (active at first) and B (its backup).
#[derive(Debug)]
pub struct Pair {
    /// The first server.
    pub a: WebToolsServer,
    /// The second server.
    pub b: WebToolsServer,
    site: Arc<Mutex<Site>>,
}

impl Pair {
    /// A pair over plain HTTP on loopback, A active and B its backup.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(PairOptions::default()).await
    }

    /// A pair set up in a certain way.
    ///
    /// # Errors
    /// No port can be bound, or the TLS identity is not usable.
    pub async fn start_with(options: PairOptions) -> io::Result<Self> {
        let site = Arc::new(Mutex::new(Site::default()));
        let [names_a, names_b] = options.names;
        let [bind_a, bind_b] = options.bind;
        let wire = |name: &str, bind: SocketAddr| ServerOptions {
            name: name.to_owned(),
            bind,
            tls: options.tls.clone(),
            ..ServerOptions::default()
        };
        let a =
            WebToolsServer::start(Node::A, wire("A", bind_a), names_a, Arc::clone(&site)).await?;
        let b =
            WebToolsServer::start(Node::B, wire("B", bind_b), names_b, Arc::clone(&site)).await?;
        b.set_mode(Mode::Backup);
        Ok(Self { a, b, site })
    }

    /// The shared state. Do not hold it over an await.
    pub fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a parameter by the vendor's name, in effect from the next request on.
    ///
    /// # Errors
    /// The name or the value means nothing.
    pub fn set(&self, name: &str, value: &str) -> Result<(), ParameterError> {
        self.site().parameters.set(name, value)
    }

    /// Changes the version of the configuration, so that pages fetch it again.
    pub fn bump_configuration(&self) {
        self.site().cfg_ver += 1;
    }

    /// The exact set of active chats and callbacks by visitor address.
    pub fn truth(&self) -> Truth {
        self.site().truth(Instant::now())
    }

    /// The id of the only active chat; None when there is none or more than one.
    pub fn only_chat(&self) -> Option<String> {
        let truth = self.truth();
        let mut ids = truth.by_address.into_values().flat_map(|own| own.chats);
        let first = ids.next();
        first.filter(|_| ids.next().is_none())
    }

    /// The id of the only waiting callback; None when there is none or more than one.
    pub fn only_callback(&self) -> Option<String> {
        let truth = self.truth();
        let mut ids = truth.by_address.into_values().flat_map(|own| own.callbacks);
        let first = ids.next();
        first.filter(|_| ids.next().is_none())
    }

    /// What the visitor of a chat has said so far.
    pub fn said(&self, chat: &str) -> Vec<String> {
        self.site()
            .chat(chat)
            .map(|chat| chat.said.clone())
            .unwrap_or_default()
    }

    /// The agent joins a chat. False, here and below, when there is no such active chat.
    pub fn agent_joins(&self, chat: &str) -> bool {
        self.site().as_agent(chat, |_, _| ()).is_some()
    }

    /// The agent says something.
    pub fn agent_says(&self, chat: &str, text: &str) -> bool {
        let text = text.to_owned();
        self.act(chat, |chat, by| chat.tell(Event::Text { by, text }))
    }

    /// The agent begins or stops typing.
    pub fn agent_types(&self, chat: &str, typing: bool) -> bool {
        self.act(chat, |chat, by| chat.tell(Event::Typing { by, typing }))
    }

    /// The agent pushes a page.
    pub fn agent_sends_url(&self, chat: &str, url: &str) -> bool {
        let url = url.to_owned();
        self.act(chat, |chat, by| chat.tell(Event::Url { by, url }))
    }

    /// The agent sends a file. Returns its path below the server.
    pub fn agent_sends_file(
        &self,
        chat: &str,
        name: &str,
        content: impl Into<Bytes>,
    ) -> Option<String> {
        let content = content.into();
        self.site()
            .as_agent(chat, |chat, by| chat.share(by, name, content))
    }

    /// The state of the agent changes: held, active again, voicemail …
    pub fn agent_becomes(&self, chat: &str, state: State) -> bool {
        self.act(chat, |chat, who| chat.announce(who, state))
    }

    /// The agent leaves and the chat goes on, as when it is transferred.
    pub fn agent_leaves(&self, chat: &str) -> bool {
        self.act(chat, |chat, who| {
            chat.agent = None;
            chat.announce(who, State::Disconnected);
        })
    }

    /// The chat is ended from the inside; its page learns it from its next poll.
    pub fn end_chat(&self, chat: &str) -> bool {
        self.site().end_chat(chat)
    }

    /// An agent takes a callback and calls.
    pub fn agent_takes_callback(&self, callback: &str) -> bool {
        let mut site = self.site();
        let agent = Party::agent(&site.agent_name);
        site.change_callback(callback, |callback| {
            callback.agent = Some(agent);
            callback.state = "Connected".into();
        })
    }

    /// The callback is ended from the inside.
    pub fn end_callback(&self, callback: &str) -> bool {
        self.site().end_callback(callback)
    }

    /// Server A dies and B becomes the active one; chats and callbacks live on there, under new participant ids.
    pub async fn switch_over(&self, death: Death) {
        self.b.set_mode(Mode::Active);
        self.a.die(death).await;
    }

    /// Server A is back and active; B is its backup again.
    pub async fn switch_back(&self) {
        self.a.revive().await;
        self.b.set_mode(Mode::Backup);
    }

    fn act(&self, chat: &str, act: impl FnOnce(&mut Chat, Party)) -> bool {
        self.site().as_agent(chat, act).is_some()
    }
}
