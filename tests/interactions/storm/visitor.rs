//! One visitor: a page with at most one chat and a few callbacks, which does at random what pages do.

use std::time::Duration;

use serde_json::{Value, json};

use super::dice::Dice;
use crate::support::*;

/// Longer than any answer but that of a server that hangs.
const PATIENCE: Duration = Duration::from_millis(700);

#[derive(Clone)]
struct Running {
    id: String,
    participant: String,
}

/// How a request ended.
enum Outcome {
    Success(Value),
    /// The server's, or the gateway's, reason.
    Refused(String),
    /// Another status, or no answer: a page fails over.
    Lost,
    /// The page itself did not wait.
    Aborted,
}

/// How often what has happened.
#[derive(Debug, Default)]
pub struct Tally {
    requests: u64,
    chats: u64,
    callbacks: u64,
    refused: u64,
    aborted: u64,
    lost: u64,
    reconnected: u64,
    exits: u64,
    unknown: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.requests += other.requests;
        self.chats += other.chats;
        self.callbacks += other.callbacks;
        self.refused += other.refused;
        self.aborted += other.aborted;
        self.lost += other.lost;
        self.reconnected += other.reconnected;
        self.exits += other.exits;
        self.unknown += other.unknown;
    }

    pub fn must_have_had_everything(&self) {
        assert!(self.requests > 5000, "{self:?}");
        for some in [
            self.chats,
            self.callbacks,
            self.refused,
            self.aborted,
            self.lost,
            self.reconnected,
            self.exits,
            self.unknown,
        ] {
            assert!(some >= 50, "{self:?}");
        }
    }
}

pub struct Visitor {
    client: Client,
    dice: Dice,
    route: &'static str,
    chat: Option<Running>,
    callbacks: Vec<Running>,
    /// Participants of before, which somebody still polls with.
    stale: Vec<String>,
    pub tally: Tally,
}

impl Visitor {
    pub fn new(client: Client, dice: Dice) -> Self {
        Visitor {
            client,
            dice,
            route: A,
            chat: None,
            callbacks: Vec::new(),
            stale: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// One thing that a page does.
    pub async fn step(&mut self) {
        let what = self.dice.below(100);
        match (self.chat.clone(), what) {
            (None, 0..60) => self.start().await,
            (Some(chat), 0..25) => self.poll(&chat).await,
            (Some(chat), 25..40) => self.say(&chat).await,
            (Some(chat), 40..52) => self.reconnect(&chat).await,
            (Some(chat), 52..62) => self.exit(&chat, 1).await,
            (Some(chat), 62..66) => self.exit(&chat, 2).await,
            (Some(chat), 66..72) => self.poll_and_exit(&chat).await,
            (Some(chat), 72..80) => self.poll_and_reconnect(&chat).await,
            (_, 60..74) => self.create().await,
            (_, 74..88) => self.watch_callback().await,
            _ => self.late_poll().await,
        }
    }

    /// Polls what is open, so that the servers go on hearing of it.
    pub async fn keep_alive(&mut self) {
        if let Some(chat) = self.chat.clone() {
            let path = format!("/websvcs/chat/poll/{}", chat.participant);
            let outcome = self.patient("GET", &path, "").await;
            self.after_chat(&chat, outcome).await;
        }
        for callback in self.callbacks.clone() {
            let path = format!("/websvcs/callback/status/{}", callback.participant);
            let outcome = self.patient("GET", &path, "").await;
            self.after_callback(&callback, outcome).await;
        }
    }

    /// Ends everything and waits for the answers.
    pub async fn leave(&mut self) {
        if let Some(chat) = self.chat.take() {
            let path = format!("/websvcs/chat/exit/{}", chat.participant);
            self.patient("POST", &path, "").await;
        }
        for callback in std::mem::take(&mut self.callbacks) {
            let path = format!("/websvcs/callback/disconnect/{}", callback.participant);
            self.patient("POST", &path, "").await;
        }
    }

    async fn start(&mut self) {
        match self.ask("POST", "/websvcs/chat/start", START).await {
            Outcome::Success(inside) => {
                self.tally.chats += 1;
                self.chat = Some(running(&inside, "chatID"));
            }
            Outcome::Lost => self.fail_over().await,
            Outcome::Refused(_) | Outcome::Aborted => {}
        }
    }

    async fn create(&mut self) {
        match self.ask("POST", "/websvcs/callback/create", CREATE).await {
            Outcome::Success(inside) => {
                self.tally.callbacks += 1;
                self.callbacks.push(running(&inside, "callbackID"));
            }
            Outcome::Lost => self.fail_over().await,
            Outcome::Refused(_) | Outcome::Aborted => {}
        }
    }

    async fn poll(&mut self, chat: &Running) {
        let path = format!("/websvcs/chat/poll/{}", chat.participant);
        let outcome = self.ask("GET", &path, "").await;
        self.after_chat(chat, outcome).await;
    }

    async fn say(&mut self, chat: &Running) {
        let (verb, body) = match self.dice.below(3) {
            0 => ("chat/setTypingState", json!({"typingIndicator": true})),
            1 => ("partyInfo", json!({"participantID": chat.participant})),
            _ => ("chat/sendMessage", json!({"message": "Hello?"})),
        };
        let path = format!("/websvcs/{verb}/{}", chat.participant);
        let outcome = self.ask("POST", &path, &body.to_string()).await;
        self.after_chat(chat, outcome).await;
    }

    async fn exit(&mut self, chat: &Running, times: u32) {
        self.chat = None;
        self.stale.push(chat.participant.clone());
        for _ in 0..times {
            let path = format!("/websvcs/chat/exit/{}", chat.participant);
            if let Outcome::Success(_) = self.ask("POST", &path, "").await {
                self.tally.exits += 1;
            }
        }
    }

    /// Polls go by a timer and do not wait for each other, nor for an exit.
    async fn poll_and_exit(&mut self, chat: &Running) {
        let (poll, exit) = self
            .both(chat, "POST", &format!("exit/{}", chat.participant), "")
            .await;
        drop(poll);
        self.chat = None;
        if let Outcome::Success(_) = exit {
            self.tally.exits += 1;
        }
    }

    async fn poll_and_reconnect(&mut self, chat: &Running) {
        let body = json!({"chatID": chat.id}).to_string();
        let (poll, again) = self.both(chat, "POST", "reconnect", &body).await;
        drop(poll);
        self.after_reconnect(chat, again);
    }

    async fn both(
        &mut self,
        chat: &Running,
        method: &str,
        what: &str,
        body: &str,
    ) -> (Outcome, Outcome) {
        let mut other = self.client.another();
        let poll = format!("{}/websvcs/chat/poll/{}", self.route, chat.participant);
        let path = format!("{}/websvcs/chat/{what}", self.route);
        let (poll, other) = tokio::join!(
            tokio::time::timeout(PATIENCE, self.client.ask("GET", &poll, "")),
            tokio::time::timeout(PATIENCE, other.ask(method, &path, body)),
        );
        self.tally.requests += 2;
        (self.judge(poll.ok()), self.judge(other.ok()))
    }

    async fn reconnect(&mut self, chat: &Running) {
        let body = json!({"chatID": chat.id}).to_string();
        let outcome = self.ask("POST", "/websvcs/chat/reconnect", &body).await;
        self.after_reconnect(chat, outcome);
    }

    fn after_reconnect(&mut self, chat: &Running, outcome: Outcome) {
        match outcome {
            Outcome::Success(inside) => {
                self.tally.reconnected += 1;
                self.stale.push(chat.participant.clone());
                self.chat = Some(running(&inside, "chatID"));
            }
            // The page offers a new chat.
            Outcome::Refused(_) => self.chat = None,
            Outcome::Lost | Outcome::Aborted => {}
        }
    }

    async fn watch_callback(&mut self) {
        let Some(callback) = self.callbacks.first().cloned() else {
            return self.create().await;
        };
        let (participant, id) = (&callback.participant, &callback.id);
        match self.dice.below(4) {
            0 => {
                let path = format!("/websvcs/callback/disconnect/{participant}");
                self.callbacks.remove(0);
                let times = 1 + self.dice.below(2);
                for _ in 0..times {
                    self.ask("POST", &path, "").await;
                }
            }
            1 => {
                let body = json!({"callbackID": id}).to_string();
                let outcome = self.ask("POST", "/websvcs/callback/reconnect", &body).await;
                self.after_callback(&callback, outcome).await;
            }
            _ => {
                let path = format!("/websvcs/callback/status/{participant}");
                let outcome = self.ask("GET", &path, "").await;
                self.after_callback(&callback, outcome).await;
            }
        }
    }

    async fn late_poll(&mut self) {
        if let Some(participant) = self.stale.last() {
            let path = format!("/websvcs/chat/poll/{participant}");
            self.ask("GET", &path, "").await;
        }
    }

    async fn after_chat(&mut self, chat: &Running, outcome: Outcome) {
        match outcome {
            Outcome::Refused(reason) if reason.ends_with("unknownEntity.session") => {
                self.chat = None;
            }
            // Its participant is another one meanwhile: an answer to a reconnect was lost.
            Outcome::Refused(reason) if reason.ends_with("unknownEntity.participant") => {
                Box::pin(self.reconnect(chat)).await;
            }
            Outcome::Lost => {
                self.fail_over().await;
                if self.chat.is_some() {
                    Box::pin(self.reconnect(chat)).await;
                }
            }
            Outcome::Success(_) | Outcome::Refused(_) | Outcome::Aborted => {}
        }
    }

    async fn after_callback(&mut self, callback: &Running, outcome: Outcome) {
        let place = self.callbacks.iter().position(|own| own.id == callback.id);
        let Some(place) = place else { return };
        match outcome {
            Outcome::Success(inside) => self.callbacks[place] = running(&inside, "callbackID"),
            Outcome::Refused(reason) if reason.ends_with("unknownEntity.session") => {
                self.callbacks.remove(place);
            }
            Outcome::Refused(_) => {
                let body = json!({"callbackID": callback.id}).to_string();
                let again = self.ask("POST", "/websvcs/callback/reconnect", &body).await;
                match again {
                    Outcome::Success(inside) => {
                        self.tally.reconnected += 1;
                        self.callbacks[place] = running(&inside, "callbackID");
                    }
                    Outcome::Refused(_) => drop(self.callbacks.remove(place)),
                    Outcome::Lost | Outcome::Aborted => {}
                }
            }
            Outcome::Lost => self.fail_over().await,
            Outcome::Aborted => {}
        }
    }

    /// Looks for the server that serves, beginning with this one.
    async fn fail_over(&mut self) {
        for _ in 0..4 {
            let answer = self
                .patient("GET", "/websvcs/serverConfiguration", "")
                .await;
            if matches!(answer, Outcome::Success(_)) {
                return;
            }
            self.route = if self.route == A { B } else { A };
        }
    }

    /// One request, now and then not waited for.
    async fn ask(&mut self, method: &str, path: &str, body: &str) -> Outcome {
        if !self.dice.percent(12) {
            return self.patient(method, path, body).await;
        }
        self.tally.requests += 1;
        let within = Duration::from_micros(self.dice.below(12_000));
        let path = format!("{}{path}", self.route);
        let asked = self.client.ask(method, &path, body);
        match tokio::time::timeout(within, asked).await {
            Ok(answer) => self.judge(Some(answer)),
            Err(_) => {
                self.tally.aborted += 1;
                Outcome::Aborted
            }
        }
    }

    async fn patient(&mut self, method: &str, path: &str, body: &str) -> Outcome {
        self.tally.requests += 1;
        let path = format!("{}{path}", self.route);
        let asked = self.client.ask(method, &path, body);
        let answer = tokio::time::timeout(PATIENCE, asked).await;
        self.judge(answer.ok())
    }

    fn judge(&mut self, answer: Option<std::io::Result<Answer>>) -> Outcome {
        let Some(Ok(answer)) = answer else {
            self.tally.lost += 1;
            return Outcome::Lost;
        };
        if answer.status != 200 {
            assert!(matches!(answer.status, 502 | 503), "{}", answer.status);
            self.tally.lost += 1;
            return Outcome::Lost;
        }
        if let Some(inside) = answer.success() {
            return Outcome::Success(inside);
        }
        let Some(reason) = answer.reason() else {
            // The configuration has no status.
            return Outcome::Success(answer.json());
        };
        self.tally.refused += u64::from(reason == "error.websvc.unavailable");
        self.tally.unknown += u64::from(reason.contains("unknownEntity"));
        Outcome::Refused(reason)
    }
}

fn running(inside: &Value, id: &str) -> Running {
    Running {
        id: inside[id].as_str().unwrap().to_owned(),
        participant: inside["participantID"].as_str().unwrap().to_owned(),
    }
}
