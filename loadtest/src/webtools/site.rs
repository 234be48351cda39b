//! The state that servers A and B of a pair share: parameters, queues, accounts, chats, callbacks.
//!
//! Pure: every method is told the time, so that idle limits are tested without waiting.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use loadtest::webtools::{Answer, Node, Operation, Site, Visit};
//! let (mut site, now) = (Site::default(), Instant::now());
//! let visit = Visit { node: Node::A, visitor: "192.0.2.7", now };
//! let body = serde_json::json!({"participant": {"name": "Wally"}, "target": "Marketing", "targetType": "Workgroup"});
//! assert!(matches!(site.perform(&visit, &Operation::Start, &body), Answer::Envelope(_)));
//! assert_eq!(site.truth(now).of("192.0.2.7"), 1);
//! assert_eq!(site.truth(now + Duration::from_secs(61)).of("192.0.2.7"), 0, "its page has stopped polling");
//! ```

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use super::admission::{Active, Bursts, Limit, admit};
use super::callback::Callback;
use super::chat::Chat;
use super::event::{Event, Party};
use super::params::Parameters;
use super::truth::{Kind, Truth};

/// One of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// The first.
    A,
    /// The second.
    B,
}

/// A queue that visitors may be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// `agentsAvailable` of queue/query.
    pub agents_available: u64,
    /// `estimatedWaitTime` of queue/query, seconds.
    pub estimated_wait: u64,
}

/// Where a participant id belongs.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) node: Node,
    pub(super) kind: Kind,
    pub(super) id: String,
}

/// Ended interactions that are still remembered, so that their ids answer `unknownEntity.session` for a while.
const REMEMBERED: usize = 10_000;

/// The shared state.
#[derive(Debug)]
pub struct Site {
    /// The Web Services parameters.
    pub parameters: Parameters,
    /// Version of the configuration; a change makes pages fetch it again.
    pub cfg_ver: u64,
    /// Whether chats and callbacks survive a switchover ("interaction recovery").
    pub recovery: bool,
    /// Name of the agent who takes chats.
    pub agent_name: String,
    /// Problem reports received, the newest 1000.
    pub problem_reports: VecDeque<String>,
    /// Which limits have refused, in order, the newest 10,000.
    pub refusals: VecDeque<Limit>,
    pub(super) queues: HashMap<String, Queue>,
    pub(super) accounts: HashMap<String, String>,
    pub(super) chats: HashMap<String, Chat>,
    pub(super) callbacks: HashMap<String, Callback>,
    pub(super) places: HashMap<String, Place>,
    host_names: Vec<(String, String)>,
    bursts: Bursts,
    retired: VecDeque<(Kind, String)>,
}

impl Default for Site {
    fn default() -> Self {
        let idle = Queue {
            agents_available: 2,
            estimated_wait: 30,
        };
        Self {
            parameters: Parameters::default(),
            cfg_ver: 1,
            recovery: true,
            agent_name: "Bob Boyle".into(),
            problem_reports: VecDeque::new(),
            refusals: VecDeque::new(),
            queues: ["marketing", "sales", "support"]
                .map(|name| (name.to_owned(), idle))
                .into(),
            accounts: HashMap::new(),
            chats: HashMap::new(),
            callbacks: HashMap::new(),
            places: HashMap::new(),
            host_names: Vec::new(),
            bursts: Bursts::default(),
            retired: VecDeque::new(),
        }
    }
}

impl Site {
    /// Adds or changes a queue.
    pub fn set_queue(&mut self, name: &str, queue: Queue) {
        self.queues.insert(name.to_ascii_lowercase(), queue);
    }

    /// Adds an Interaction Tracker account.
    pub fn set_account(&mut self, name: &str, credentials: &str) {
        self.accounts.insert(name.into(), credentials.into());
    }

    /// Says which name an address has, for names among TrustedHosts.
    pub fn name_host(&mut self, name: &str, address: &str) {
        self.host_names
            .push((name.to_ascii_lowercase(), address.into()));
    }

    /// What is active now.
    pub fn truth(&mut self, now: Instant) -> Truth {
        self.settle(now);
        let mut truth = Truth::default();
        for chat in self.chats.values().filter(|chat| !chat.ended) {
            truth.add(Kind::Chat, &chat.owner, &chat.id);
        }
        for callback in self.callbacks.values().filter(|callback| !callback.ended) {
            truth.add(Kind::Callback, &callback.owner, &callback.id);
        }
        truth
    }

    /// The chat with this id, active or ended.
    pub fn chat(&self, id: &str) -> Option<&Chat> {
        self.chats.get(id)
    }

    /// The callback with this id, waiting or over.
    pub fn callback(&self, id: &str) -> Option<&Callback> {
        self.callbacks.get(id)
    }

    /// Lets something happen in an active chat; the agent comes in if there is none yet. None when there is no such chat.
    pub fn as_agent<T>(
        &mut self,
        chat_id: &str,
        act: impl FnOnce(&mut Chat, Party) -> T,
    ) -> Option<T> {
        let name = self.agent_name.clone();
        let chat = self.chats.get_mut(chat_id).filter(|chat| !chat.ended)?;
        let agent = chat.agent_named(&name);
        Some(act(chat, agent))
    }

    /// Ends a chat from the inside. False when there is no such active chat.
    pub fn end_chat(&mut self, chat_id: &str) -> bool {
        let active = self.chats.get_mut(chat_id).filter(|chat| !chat.ended);
        let Some(chat) = active else { return false };
        chat.end();
        self.retire(Kind::Chat, chat_id.to_owned());
        true
    }

    /// Ends a callback from the inside. False when there is no such waiting callback.
    pub fn end_callback(&mut self, callback_id: &str) -> bool {
        let waiting = self
            .callbacks
            .get_mut(callback_id)
            .filter(|callback| !callback.ended);
        let Some(callback) = waiting else {
            return false;
        };
        callback.end();
        self.retire(Kind::Callback, callback_id.to_owned());
        true
    }

    /// Changes a waiting callback, for instance its state or its agent.
    pub fn change_callback(
        &mut self,
        callback_id: &str,
        change: impl FnOnce(&mut Callback),
    ) -> bool {
        self.callbacks
            .get_mut(callback_id)
            .filter(|callback| !callback.ended)
            .map(change)
            .is_some()
    }

    /// Applies what time alone does: chats whose page is silent end, silent visitors are warned and then disconnected, and callbacks
    /// that nobody asks about are given up if they are to be.
    pub fn settle(&mut self, now: Instant) {
        let parameters = &self.parameters;
        let mut over = Vec::new();
        for chat in self.chats.values_mut().filter(|chat| !chat.ended) {
            let silent = now.saturating_duration_since(chat.wrote);
            let system = Party::system(&parameters.system_name);
            if now.saturating_duration_since(chat.heard) > parameters.poll_silence {
                over.push(chat.id.clone());
            } else if parameters.idle_timeout && silent >= parameters.party_idle {
                if silent >= parameters.party_idle + parameters.party_idle_grace {
                    let text = format!(
                        "{} has been disconnected for being idle.",
                        chat.visitor.name
                    );
                    chat.tell(Event::Text { by: system, text });
                    over.push(chat.id.clone());
                } else if !chat.warned {
                    chat.warned = true;
                    let text = format!(
                        "{} has been idle and has to type something soon.",
                        chat.visitor.name
                    );
                    chat.tell(Event::Text { by: system, text });
                }
            }
        }
        for id in over {
            self.end_chat(&id);
        }
        if let Some(silence) = self.parameters.callback_silence {
            let silent = |callback: &&Callback| {
                !callback.ended && now.saturating_duration_since(callback.heard) > silence
            };
            let over = self.callbacks.values().filter(silent);
            let over: Vec<_> = over.map(|callback| callback.id.clone()).collect();
            for id in over {
                self.end_callback(&id);
            }
        }
    }

    /// Asks the limits for one more interaction of this visitor.
    pub(super) fn admit(
        &mut self,
        kind: Kind,
        visitor: &str,
        user: Option<&str>,
        queue: &str,
        now: Instant,
    ) -> Result<(), Limit> {
        let active = self.active(visitor, user, queue);
        let answer = admit(
            kind,
            user.is_none(),
            active,
            &self.parameters,
            &mut self.bursts,
            now,
        );
        if let Err(limit) = answer {
            self.refusals.push_back(limit);
            if self.refusals.len() > REMEMBERED {
                self.refusals.pop_front();
            }
        }
        answer
    }

    fn active(&self, visitor: &str, user: Option<&str>, queue: &str) -> Active {
        let chats = self.chats.values().filter(|chat| !chat.ended);
        let callbacks = self.callbacks.values().filter(|callback| !callback.ended);
        let all = chats
            .map(|chat| (Kind::Chat, &chat.owner, &chat.user, &chat.queue))
            .chain(callbacks.map(|c| (Kind::Callback, &c.owner, &c.user, &c.queue)));
        let mut active = Active {
            trusted: self.is_trusted(visitor),
            ..Active::default()
        };
        for (kind, owner, account, target) in all {
            active.chats += usize::from(kind == Kind::Chat);
            active.callbacks += usize::from(kind == Kind::Callback);
            active.anonymous += usize::from(account.is_none());
            active.address += usize::from(owner == visitor);
            active.user += usize::from(account.as_deref() == user && user.is_some());
            active.queue += usize::from(target.eq_ignore_ascii_case(queue));
        }
        active
    }

    fn is_trusted(&self, visitor: &str) -> bool {
        let named = |host: &String| {
            let named = |(name, address): &(String, String)| name == host && address == visitor;
            self.host_names.iter().any(named)
        };
        let trusted = &self.parameters.trusted_hosts;
        trusted.iter().any(|host| host == visitor || named(host))
    }

    fn retire(&mut self, kind: Kind, id: String) {
        self.retired.push_back((kind, id));
        if self.retired.len() <= REMEMBERED {
            return;
        }
        if let Some((kind, id)) = self.retired.pop_front() {
            match kind {
                Kind::Chat => drop(self.chats.remove(&id)),
                Kind::Callback => drop(self.callbacks.remove(&id)),
            }
            self.places
                .retain(|_, place| place.kind != kind || place.id != id);
        }
    }
}

#[cfg(test)]
mod tests;
