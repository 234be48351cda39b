//! The simulated servers of Web Tools, in each of their forms, through the lives of a chat and a callback.

use std::time::Instant;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use loadtest::webtools as simulated;
use serde_json::{Value, json};
use simulated::Dialect::{Json, Xml, XmlAttributes};

use super::super::*;

struct Server {
    site: simulated::Site,
    dialect: simulated::Dialect,
    node: simulated::Node,
    now: Instant,
}

impl Server {
    fn new(dialect: simulated::Dialect) -> Self {
        Server {
            site: simulated::Site::default(),
            dialect,
            node: simulated::Node::A,
            now: Instant::now(),
        }
    }

    fn media(&self) -> Media {
        let content_type = self.dialect.content_type().parse().unwrap();
        Media::of(&HeaderMap::from_iter([(CONTENT_TYPE, content_type)]))
    }

    /// Sends a request; the server reads the same path and the same body as the gateway.
    fn ask(&mut self, method: &str, path: &str, body: &Value) -> (Operation, Answer) {
        let theirs = simulated::Operation::parse(method, path).unwrap();
        let method: Method = method.parse().unwrap();
        let ours = Operation::of(Wire::Webtools, &method, path).unwrap();
        let visit = simulated::Visit {
            node: self.node,
            visitor: "192.0.2.7",
            now: self.now,
        };
        let (simulated::Answer::Envelope(answer) | simulated::Answer::Refused(answer)) =
            self.site.perform(&visit, &theirs, body)
        else {
            panic!("{path} gives no envelope")
        };
        let text = self.dialect.write(&answer);
        let read = Answer::read(Wire::Webtools, &ours, 200, &self.media(), text.as_bytes());
        (ours, read.unwrap_or_else(|why| panic!("{why}: {text}")))
    }

    /// The ids of what is active, as the server spells them.
    fn active(&mut self) -> Vec<String> {
        let mut truth = self.site.truth(self.now);
        let own = truth.by_address.remove("192.0.2.7").unwrap_or_default();
        own.chats.into_iter().chain(own.callbacks).collect()
    }

    fn poll(&mut self, participant: &str) -> Answer {
        let path = format!("/WebSvcs/chat/poll/{participant}");
        self.ask("GET", &path, &json!({})).1
    }
}

const DIALECTS: [simulated::Dialect; 3] = [Json, Xml, XmlAttributes];

fn wish() -> Value {
    let participant = json!({"name": "Ann", "credentials": null, "telephone": "555 0100"});
    json!({"participant": participant, "target": "Sales", "targetType": "Workgroup"})
}

#[test]
fn a_chat_is_understood_from_start_to_end() {
    for dialect in DIALECTS {
        let mut server = Server::new(dialect);
        let (_, started) = server.ask("POST", "/websvcs/chat/start", &wish());
        assert!(started.is_success() && !started.ended);
        assert_eq!(started.interaction, Some(Interaction::Chat));
        let chat = server.active().pop().unwrap();
        assert_eq!(started.id, Id::new(&chat));
        let visitor = |server: &Server| server.site.chat(&chat).unwrap().visitor.id.clone();
        let first = visitor(&server);
        assert_eq!(started.participant, Id::new(&first));

        let polled = server.poll(&first);
        assert!(polled.is_success() && !polled.ended && !polled.unknown_session);
        server.site.as_agent(&chat, |chat, agent| {
            chat.announce(agent, simulated::State::Disconnected);
        });
        let polled = server.poll(&first);
        assert!(
            polled.is_success() && !polled.ended,
            "an agent who leaves ends nothing"
        );

        server.node = simulated::Node::B;
        let unknown = server.poll(&first);
        assert!(!unknown.is_success() && !unknown.unknown_session);
        let (_, rejoined) = server.ask(
            "POST",
            "/websvcs/chat/reconnect",
            &json!({ "chatID": chat }),
        );
        assert_eq!(rejoined.id, started.id);
        let second = visitor(&server);
        assert_eq!(rejoined.participant, Id::new(&second));
        assert_ne!(rejoined.participant, started.participant);

        server.site.end_chat(&chat);
        let over = server.poll(&second);
        assert!(over.is_success() && over.ended);
        let gone = server.poll(&second);
        assert!(gone.unknown_session && !gone.ended);
        assert_eq!(server.active(), [""; 0]);
    }
}

#[test]
fn an_exit_is_understood() {
    for dialect in DIALECTS {
        let mut server = Server::new(dialect);
        server.ask("POST", "/websvcs/chat/start", &wish());
        let chat = server.active().pop().unwrap();
        let own = server.site.chat(&chat).unwrap().visitor.id.clone();
        let (operation, exited) =
            server.ask("POST", &format!("/websvcs/chat/exit/{own}"), &json!({}));
        assert!(exited.is_success() && exited.ended);
        assert_eq!(operation.participant(), Id::new(&own).as_ref());
        assert!(server.poll(&own).unknown_session);
    }
}

#[test]
fn a_callback_is_understood_from_start_to_end() {
    for dialect in DIALECTS {
        let mut server = Server::new(dialect);
        let (_, created) = server.ask("POST", "/websvcs/callback/create", &wish());
        assert_eq!(created.interaction, Some(Interaction::Callback));
        let callback = server.active().pop().unwrap();
        assert_eq!(created.id, Id::new(&callback));
        let own = server.site.callback(&callback).unwrap().participant.clone();
        assert_eq!(created.participant, Id::new(&own));
        let path = format!("/websvcs/callback/status/{own}");
        let (_, status) = server.ask("GET", &path, &json!({}));
        assert!(status.is_success() && !status.ended);
        server
            .site
            .change_callback(&callback, |callback| callback.state = "Disconnected".into());
        let (_, status) = server.ask("GET", &path, &json!({}));
        assert!(status.is_success() && status.ended);
        let path = format!("/websvcs/callback/disconnect/{own}");
        let (_, over) = server.ask("POST", &path, &json!({}));
        assert!(over.is_success() && over.ended);
        let (_, again) = server.ask("POST", &path, &json!({}));
        assert!(again.unknown_session && !again.ended);
    }
}

#[test]
fn a_refusal_by_the_server_is_a_failure() {
    for dialect in DIALECTS {
        let mut server = Server::new(dialect);
        server
            .site
            .parameters
            .set("MaxInteractionsAllowedPerIP", "0")
            .unwrap();
        let (_, refused) = server.ask("POST", "/websvcs/chat/start", &wish());
        let Outcome::Failure(reason) = refused.outcome else {
            panic!("it is refused")
        };
        assert_eq!(reason.as_str(), "error.websvc.unavailable");
    }
}

#[test]
fn who_asks_is_read_as_the_server_reads_it() {
    for dialect in DIALECTS {
        let server = Server::new(dialect);
        for (credentials, expected) in [
            (json!("s3cr3t"), Asked::Named("Ann".into())),
            (json!(7), Asked::Named("Ann".into())),
            (json!(null), Asked::Anonymous),
            (json!(""), Asked::Anonymous),
        ] {
            let mut wish = wish();
            wish["participant"]["credentials"] = credentials;
            // In XML the fields stand inside an element of whatever name.
            let body = match dialect {
                Json => wish.to_string(),
                Xml | XmlAttributes => dialect.write(&json!({ "chat": wish })),
            };
            let asked = Asked::read(&server.media(), body.as_bytes());
            assert_eq!(asked, expected, "{body}");
        }
    }
}
