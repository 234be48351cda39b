//! One chat: who is in it, what its page has not been told yet, and when its page was last heard.
//!
//! ```
//! use std::time::Instant;
//! use loadtest::webtools::{Chat, Event, Party};
//! let now = Instant::now();
//! let mut chat = Chat::new("192.0.2.7", "Wally", "Marketing", None, now);
//! chat.tell(Event::Text { by: Party::system("CIC"), text: "Hello".into() });
//! assert_eq!(chat.take_events().len(), 1);
//! assert!(chat.take_events().is_empty());
//! ```

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::event::{Event, Party, State, new_id};

/// A file that an agent has sent.
#[derive(Clone, Debug)]
pub struct SharedFile {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub content: Bytes,
}

/// A chat, active or ended.
#[derive(Clone, Debug)]
pub struct Chat {
    /// Chat id: stays the same over reconnects and switchover.
    pub id: String,
    /// Address of the visitor who started it; a reconnect from elsewhere does not change it.
    pub owner: String,
    /// The visitor; its id is the one that polls.
    pub visitor: Party,
    /// Target queue.
    pub queue: String,
    /// Name of the account, None for an anonymous visitor.
    pub user: Option<String>,
    /// The agent, once there is one.
    pub agent: Option<Party>,
    /// When the page was last heard.
    pub heard: Instant,
    /// When the visitor last wrote something.
    pub wrote: Instant,
    /// Whether the idle warning was given for the present silence.
    pub warned: bool,
    /// Whether it is over. Its page may still fetch the last events.
    pub ended: bool,
    /// What the visitor has said.
    pub said: Vec<String>,
    /// Whether the visitor is typing.
    pub typing: bool,
    files: HashMap<String, SharedFile>,
    pending: Vec<Value>,
    sequence: u64,
    conversation: u64,
}

/// Most lines, events or files kept of one chat, so that a flood of messages cannot grow without end.
const KEPT: usize = 10_000;

/// What is encoded in the name of a file, so that it stays one segment of the path.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Chat {
    /// A chat that has just been started, with its visitor in it.
    pub fn new(owner: &str, name: &str, queue: &str, user: Option<String>, now: Instant) -> Self {
        let visitor = Party::visitor(&new_id(), name);
        Self {
            id: new_id(),
            owner: owner.into(),
            visitor,
            queue: queue.into(),
            user,
            agent: None,
            heard: now,
            wrote: now,
            warned: false,
            ended: false,
            said: Vec::new(),
            typing: false,
            files: HashMap::new(),
            pending: Vec::new(),
            sequence: 0,
            conversation: 0,
        }
    }

    /// Queues an event for the page. The oldest go when too many wait.
    pub fn tell(&mut self, event: Event) {
        let conversation = event.is_conversation().then_some(self.conversation);
        self.pending.push(event.json(self.sequence, conversation));
        self.sequence += 1;
        self.conversation += u64::from(conversation.is_some());
        if self.pending.len() > KEPT {
            self.pending.remove(0);
        }
    }

    /// What the page has not been told yet; each event is handed out once.
    pub fn take_events(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.pending)
    }

    /// Whether something waits for the page.
    pub fn has_events(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The visitor says something; the page sees its own line come back.
    pub fn say(&mut self, text: &str, now: Instant) {
        self.wrote = now;
        self.warned = false;
        if self.said.len() < KEPT {
            self.said.push(text.into());
        }
        self.tell(Event::Text {
            by: self.visitor.clone(),
            text: text.into(),
        });
    }

    /// Gives the visitor a new participant id, as reconnecting does, and returns the old one.
    pub fn rename_visitor(&mut self) -> String {
        let old = std::mem::replace(&mut self.visitor.id, new_id());
        self.announce(self.visitor.clone(), State::Active);
        old
    }

    /// Tells the page that a participant's state has changed.
    pub fn announce(&mut self, who: Party, state: State) {
        self.tell(Event::StateChanged { who, state });
    }

    /// The agent in the chat; the first call brings one in under this name.
    pub fn agent_named(&mut self, name: &str) -> Party {
        if let Some(agent) = &self.agent {
            return agent.clone();
        }
        let agent = Party::agent(name);
        self.agent = Some(agent.clone());
        self.announce(agent.clone(), State::Active);
        agent
    }

    /// Ends the chat: everybody leaves, the page's own participant last.
    pub fn end(&mut self) {
        if self.ended {
            return;
        }
        self.ended = true;
        if let Some(agent) = self.agent.take() {
            self.announce(agent, State::Disconnected);
        }
        self.announce(self.visitor.clone(), State::Disconnected);
    }

    /// Puts a file into the chat and returns its path below the server.
    pub fn share(&mut self, by: Party, name: &str, content: Bytes) -> String {
        let hash = new_id().replace('-', "");
        let shown = utf8_percent_encode(name, IN_PATH);
        let path = format!("/websvcs/chat/getfile/{}/{hash}/-{shown}", self.visitor.id);
        let name = name.to_owned();
        if self.files.len() < KEPT {
            self.files.insert(hash, SharedFile { name, content });
        }
        self.tell(Event::File {
            by,
            path: path.clone(),
        });
        path
    }

    /// The file with this hash.
    pub fn file(&self, hash: &str) -> Option<&SharedFile> {
        self.files.get(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_has_a_conversation_number() {
        let mut chat = Chat::new("192.0.2.1", "Ann", "Sales", None, Instant::now());
        let agent = chat.agent_named("Bob");
        chat.tell(Event::Text {
            by: agent.clone(),
            text: "one".into(),
        });
        chat.tell(Event::Typing {
            by: agent.clone(),
            typing: true,
        });
        chat.share(agent, "a.pdf", Bytes::from_static(b"x"));
        let events = chat.take_events();
        let numbers: Vec<_> = events
            .iter()
            .map(|e| e["sequenceNumber"].as_u64().unwrap())
            .collect();
        assert_eq!(numbers, [0, 1, 2, 3]);
        let spoken: Vec<_> = events
            .iter()
            .map(|e| e["conversationSequenceNumber"].as_u64())
            .collect();
        assert_eq!(spoken, [None, Some(0), None, Some(1)]);
    }

    #[test]
    fn an_ended_chat_says_goodbye_once_and_the_visitor_leaves_last() {
        let mut chat = Chat::new("192.0.2.1", "Ann", "Sales", None, Instant::now());
        chat.agent_named("Bob");
        chat.take_events();
        chat.end();
        chat.end();
        let gone: Vec<_> = chat
            .take_events()
            .into_iter()
            .map(|e| e["participantType"].clone())
            .collect();
        assert_eq!(gone, ["Agent", "WebUser"]);
    }
}
