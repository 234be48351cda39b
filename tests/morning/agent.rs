//! An agent at work with ICWS: signs in where he is sent, polls or listens, and signs out.

use std::sync::Arc;

use serde_json::json;

use super::caller::{Caller, Door, Way};
use super::ledger::Place;
use super::listener::{End, Listener};

/// The servers that a client may be sent to, each through the same route.
pub const SERVERS: [&str; 2] = ["icserver1", "icserver2"];
const ROUTE: &str = "/apps/client/api/{server}/";
const ICWS: &str = "application/vnd.inin.icws+JSON;charset=utf-8";

/// One of them.
pub struct Agent {
    number: usize,
    way: Way,
    caller: Caller,
    /// He holds an event stream instead of polling.
    pub listens: bool,
    session: Option<Session>,
}

/// A sign-in that has succeeded.
struct Session {
    server: &'static str,
    path: String,
    cookie: String,
    caller: Caller,
    events: Option<Listener>,
}

fn place(server: &'static str) -> Place {
    Place {
        route: ROUTE,
        server,
    }
}

impl Agent {
    pub async fn new(door: &Arc<Door>, number: usize) -> Agent {
        let way = Way::of(number);
        let caller = Caller::new(door, way).await;
        let caller = caller.with(&[("Content-Type", ICWS), ("Accept-Language", "en-us")]);
        Agent {
            number,
            way,
            caller,
            listens: number.is_multiple_of(3),
            session: None,
        }
    }

    pub fn number(&self) -> usize {
        self.number
    }

    /// The id of his session.
    pub fn session(&self) -> Option<&str> {
        let session = self.session.as_ref()?;
        session.path.rsplit('/').next()
    }

    /// Where he is signed in, by his own belief.
    pub fn server(&self) -> Option<&'static str> {
        self.session.as_ref().map(|session| session.server)
    }

    /// Whether he has a stream open.
    pub fn hears(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.events.is_some())
    }

    /// Signs in, first at this server, and then where he is sent. Every second one has the backup at the head of his list.
    pub async fn sign_in(&mut self, first: &'static str) {
        let body = json!({
            "__type": "urn:inin.com:connection:icAuthConnectionRequestSettings",
            "applicationName": "Interaction Connect",
            "userID": format!("agent{}", self.number),
            "password": format!("secret{}", self.number),
        });
        let mut server = first;
        for _ in 0..3 {
            let path = format!("/apps/client/api/{server}/icws/connection?include=features");
            let answer = self
                .caller
                .ask(place(server), "POST", &path, &body.to_string())
                .await;
            let told = answer.json();
            if answer.status == 503 {
                let named = told["alternateHostList"][0].as_str().unwrap();
                server = SERVERS.into_iter().find(|server| *server == named).unwrap();
                continue;
            }
            assert_eq!(answer.status, 201, "{}", answer.text());
            let text = |name: &str| told[name].as_str().unwrap().to_owned();
            let cookie = answer
                .field("set-cookie")
                .unwrap()
                .split(';')
                .next()
                .unwrap()
                .to_owned();
            let proofs = [
                ("ININ-ICWS-CSRF-Token", &*text("csrfToken")),
                ("Cookie", &*cookie),
            ];
            self.session = Some(Session {
                server,
                path: format!("/apps/client/api/{server}/icws/{}", text("sessionId")),
                caller: self.caller.with(&proofs),
                cookie,
                events: None,
            });
            return;
        }
        panic!("agent {} is sent to and fro", self.number);
    }

    /// Opens his event stream, if he is one of those.
    pub async fn listen(&mut self) {
        let Some(session) = self.session.as_mut().filter(|_| self.listens) else {
            return;
        };
        let path = format!("{}/messaging/messages", session.path);
        let door = &self.caller.door;
        session.events = Some(
            Listener::open(
                door,
                self.way,
                place(session.server),
                &path,
                &session.cookie,
            )
            .await,
        );
    }

    /// Asks for what is new. Whoever is told that his session is gone knows that he is signed out.
    pub async fn poll(&mut self) -> u16 {
        let Some(session) = &mut self.session else {
            return 0;
        };
        let (place, path) = (
            place(session.server),
            format!("{}/messaging/messages", session.path),
        );
        // Beside a stream a poll would take its messages.
        let path = match session.events {
            Some(_) => format!("{}/connection", session.path),
            None => path,
        };
        let status = session.caller.ask(place, "GET", &path, "").await.status;
        if status == 401 {
            self.session = None;
        }
        status
    }

    /// Waits for the end of his stream.
    pub async fn stream_ends(&mut self) -> Option<End> {
        let events = self.session.as_mut()?.events.take()?;
        Some(events.end().await)
    }

    pub async fn sign_out(&mut self) {
        let mut session = self.session.take().unwrap();
        let path = format!("{}/connection", session.path);
        let answer = session
            .caller
            .ask(place(session.server), "DELETE", &path, "")
            .await;
        assert!((200..300).contains(&answer.status), "{}", answer.text());
        if let Some(events) = session.events {
            assert_eq!(events.end().await, End::Proper);
        }
    }
}
