//! A visitor's page of Web Tools: a chat or a callback, which follows the pair to its other server.

use std::sync::Arc;

use serde_json::{Value, json};

use super::caller::{Caller, Door, Way};
use super::client::Answer;
use super::ledger::Place;

const PLACES: [Place; 2] = [
    Place {
        route: "/I3Root/Server1/",
        server: "chat1",
    },
    Place {
        route: "/I3Root/Server2/",
        server: "chat2",
    },
];

/// What a visitor has come for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Chat,
    Callback,
}

impl Wish {
    fn word(self) -> &'static str {
        match self {
            Wish::Chat => "chat",
            Wish::Callback => "callback",
        }
    }
}

/// One page.
pub struct Visitor {
    caller: Caller,
    pub wish: Wish,
    at: usize,
    running: Option<Running>,
    turns: usize,
}

struct Running {
    id: String,
    participant: String,
}

impl Visitor {
    pub async fn new(door: &Arc<Door>, number: usize, wish: Wish) -> Visitor {
        let caller = Caller::new(door, Way::of(number)).await;
        Visitor {
            caller: caller.with(&[("Content-Type", "application/json; charset=utf-8")]),
            wish,
            at: 0,
            running: None,
            turns: number,
        }
    }

    /// Where his chat or callback is, while it runs.
    pub fn server(&self) -> Option<&'static str> {
        self.running.as_ref().map(|_| PLACES[self.at].server)
    }

    async fn call(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let place = PLACES[self.at];
        let path = format!("{}websvcs/{}/{path}", place.route, self.wish.word());
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        self.caller.ask(place, method, &path, &body).await
    }

    fn runs(&mut self, answer: &Answer) {
        let inside = answer
            .success()
            .unwrap_or_else(|| panic!("{}", answer.text()));
        let text = |name: &str| inside[name].as_str().map(ToOwned::to_owned);
        let id = text("chatID").or_else(|| text("callbackID")).unwrap();
        let participant = text("participantID").unwrap();
        self.running = Some(Running { id, participant });
    }

    /// Begins.
    pub async fn start(&mut self) {
        let (path, body) = match self.wish {
            Wish::Chat => (
                "start",
                json!({"supportedContentTypes": "text/plain", "participant": {"name": "Wally", "credentials": null},
                    "target": "Marketing", "targetType": "Workgroup"}),
            ),
            Wish::Callback => (
                "create",
                json!({"target": "Marketing", "targettype": "Workgroup", "subject": "x",
                    "participant": {"name": "Wally", "credentials": null, "telephone": "555 0100"}}),
            ),
        };
        let answer = self.call("POST", path, &body).await;
        self.runs(&answer);
    }

    /// What an open page does: asks, and says something now and then.
    pub async fn turn(&mut self) -> u16 {
        let Some(running) = &self.running else {
            return 0;
        };
        let participant = running.participant.clone();
        self.turns += 1;
        let answer = match (self.wish, self.turns % 3) {
            (Wish::Callback, _) => {
                self.call("GET", &format!("status/{participant}"), &Value::Null)
                    .await
            }
            (Wish::Chat, 0) => {
                let message = json!({"message": "Is anybody there?", "contentType": "text/plain"});
                self.call("POST", &format!("sendMessage/{participant}"), &message)
                    .await
            }
            (Wish::Chat, _) => {
                self.call("GET", &format!("poll/{participant}"), &Value::Null)
                    .await
            }
        };
        assert!(
            answer.status == 503 || answer.success().is_some(),
            "{}",
            answer.text()
        );
        answer.status
    }

    /// Goes on at the other server.
    pub async fn fail_over(&mut self) {
        let id = self.running.as_ref().unwrap().id.clone();
        self.at = 1 - self.at;
        let name = format!("{}ID", self.wish.word());
        let answer = self.call("POST", "reconnect", &json!({ name: id })).await;
        self.runs(&answer);
    }

    /// Ends it.
    pub async fn leave(&mut self) {
        let participant = self.running.take().unwrap().participant;
        let at = self.at;
        let verb = match self.wish {
            Wish::Chat => "exit",
            Wish::Callback => "disconnect",
        };
        let answer = self
            .call("POST", &format!("{verb}/{participant}"), &Value::Null)
            .await;
        assert!(answer.success().is_some(), "{at}: {}", answer.text());
    }
}
