//! Everybody at once: who is where by their own belief, and the work they do all the time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::agent::Agent;
use super::center::Center;
use super::visitor::{Visitor, Wish};

/// How long everybody rests between two turns.
const REST: Duration = Duration::from_millis(200);

pub struct Crowd {
    pub agents: Vec<Agent>,
    pub visitors: Vec<Visitor>,
}

/// Numbers by two labels.
pub type Numbers = BTreeMap<(String, String), u64>;

/// What the gateway has to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Kind and server.
    pub users: Numbers,
    /// Pair and type.
    pub interactions: Numbers,
    /// Server and type.
    pub streams: Numbers,
}

fn add(numbers: &mut Numbers, one: &str, other: &str) {
    *numbers
        .entry((one.to_owned(), other.to_owned()))
        .or_default() += 1;
}

/// Lets each of them do this at the same time, and waits for all.
pub async fn each<T, F>(people: &mut Vec<T>, act: impl Fn(T) -> F)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = people.drain(..).map(|one| tokio::spawn(act(one))).collect();
    for task in tasks {
        people.push(task.await.unwrap());
    }
}

impl Crowd {
    /// By their own belief.
    pub fn believes(&self) -> Expected {
        let mut expected = Expected::default();
        for agent in &self.agents {
            if let Some(server) = agent.server() {
                add(&mut expected.users, "icws", server);
            }
            if let Some(server) = agent.server().filter(|_| agent.hears()) {
                add(&mut expected.streams, server, "event_stream");
            }
        }
        for visitor in &self.visitors {
            if let Some(server) = visitor.server() {
                add(&mut expected.users, "webtools", server);
                let kind = match visitor.wish {
                    Wish::Chat => "chat",
                    Wish::Callback => "callback",
                };
                add(&mut expected.interactions, "chat", kind);
            }
        }
        expected
    }

    /// The same where the servers say so too.
    pub fn expected(&self, center: &Center) -> Expected {
        let believes = self.believes();
        let mut users = Numbers::new();
        for (name, server) in center.icws() {
            server
                .sessions()
                .iter()
                .for_each(|_| add(&mut users, "icws", name));
        }
        let icws = believes
            .users
            .clone()
            .into_iter()
            .filter(|((kind, _), _)| kind == "icws");
        assert_eq!(icws.collect::<Numbers>(), users, "sessions of the servers");
        let truth = center.chat.truth();
        let has = |kind: &str| {
            let key = ("chat".to_owned(), kind.to_owned());
            believes.interactions.get(&key).copied().unwrap_or_default() as usize
        };
        assert_eq!(
            (has("chat"), has("callback")),
            (truth.chats(), truth.callbacks()),
            "of the pair"
        );
        believes
    }

    /// Works on until it is over: messages come, polls go, visitors write. Between two turns nothing is on its way.
    pub async fn work(&mut self, center: &Center, over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            for (_, server) in center.icws() {
                for session in server.sessions() {
                    let news = json!({"__type": "urn:inin.com:queues:queueContentsMessage", "isDelta": true});
                    server.push(&session.id, news);
                }
            }
            each(&mut self.agents, |mut agent| async {
                if agent.server().is_some() {
                    assert_eq!(agent.poll().await, 200);
                }
                agent
            })
            .await;
            each(&mut self.visitors, |mut visitor| async {
                if visitor.server().is_some() {
                    assert_eq!(visitor.turn().await, 200);
                }
                visitor
            })
            .await;
            tokio::time::sleep(REST).await;
        }
    }
}
