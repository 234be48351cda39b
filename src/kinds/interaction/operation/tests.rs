//! Methods and paths, and what they do: the vendors' own spellings, and those of somebody who wants around the limit.

use http::Method;
use proptest::prelude::*;

use super::*;
use Interaction::{Callback, Chat};

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn poll(participant: &str) -> Option<Operation> {
    let participant = id(participant);
    Some(Operation::Poll { participant })
}

fn status(participant: &str) -> Option<Operation> {
    let participant = id(participant);
    Some(Operation::Status { participant })
}

fn exit(interaction: Interaction, participant: &str) -> Option<Operation> {
    let participant = id(participant);
    Some(Operation::Exit {
        interaction,
        participant,
    })
}

fn life(subject: Subject, participant: &str) -> Option<Operation> {
    let participant = id(participant);
    Some(Operation::Life {
        subject,
        participant,
    })
}

fn touch(subject: Subject, participant: &str) -> Option<Operation> {
    super::touch(subject, Some(participant))
}

#[test]
fn the_operations_of_web_tools() {
    let start = |interaction| Some(Operation::Start(interaction));
    let reconnect = |interaction| Some(Operation::Reconnect(interaction));
    for (method, path, operation) in [
        (Method::POST, "/websvcs/chat/start", start(Chat)),
        (Method::POST, "/WebSvcs/chat/start", start(Chat)),
        (Method::POST, "/WEBSVCS/CHAT/START", start(Chat)),
        (Method::POST, "/websvcs/chat/start/", start(Chat)),
        (Method::POST, "/websvcs/chat/start/anything", start(Chat)),
        (Method::POST, "/websvcs/chat/start.", start(Chat)),
        (Method::GET, "/websvcs/chat/start", start(Chat)),
        (Method::PUT, "/websvcs/chat/start", start(Chat)),
        (Method::OPTIONS, "/websvcs/chat/start", None),
        (Method::POST, "/websvcs/callback/create", start(Callback)),
        (Method::POST, "/websvcs/chat/reconnect", reconnect(Chat)),
        (
            Method::POST,
            "/websvcs/callback/reconnect",
            reconnect(Callback),
        ),
        (Method::GET, "/websvcs/chat/poll/Ab-9", poll("ab-9")),
        (Method::GET, "/WebSvcs/Chat/Poll/7a", poll("7a")),
        (Method::GET, "/websvcs/chat/poll", None),
        (Method::GET, "/websvcs/chat/poll/", None),
        (Method::POST, "/websvcs/chat/exit/7a", exit(Chat, "7a")),
        (
            Method::GET,
            "/websvcs/chat/exit/7a",
            touch(Subject::Chat, "7a"),
        ),
        (
            Method::POST,
            "/websvcs/callback/disconnect/7a",
            exit(Callback, "7a"),
        ),
        (Method::GET, "/websvcs/callback/status/7a", status("7a")),
        (
            Method::POST,
            "/websvcs/chat/sendMessage/7a",
            touch(Subject::Chat, "7a"),
        ),
        (Method::POST, "/websvcs/chat/sendMessage", None),
        (
            Method::POST,
            "/websvcs/chat/setTypingState/7a",
            touch(Subject::Chat, "7a"),
        ),
        (
            Method::POST,
            "/websvcs/partyInfo/7a",
            life(Subject::Party, "7a"),
        ),
        (
            Method::POST,
            "/websvcs/partyInfo/7a/b",
            life(Subject::Party, "7a"),
        ),
        (
            Method::GET,
            "/websvcs/chat/poll/7a/b",
            life(Subject::Chat, "7a"),
        ),
        (
            Method::GET,
            "/websvcs/chat/poll/7a/",
            life(Subject::Chat, "7a"),
        ),
        (
            Method::POST,
            "/websvcs/chat/exit/7a/b",
            life(Subject::Chat, "7a"),
        ),
        (
            Method::POST,
            "/websvcs/chat/poll/7a",
            life(Subject::Chat, "7a"),
        ),
        (
            Method::POST,
            "/websvcs/callback/status/7a",
            life(Subject::Callback, "7a"),
        ),
        (
            Method::POST,
            "/websvcs/chat/sendMessage/7a/b",
            life(Subject::Chat, "7a"),
        ),
        (Method::GET, "/websvcs/chat/getfile/7a/h/-start.pdf", None),
        (
            Method::GET,
            "/websvcs/chat/getfile/7a/h/-start%20chat.pdf",
            None,
        ),
        (Method::GET, "/websvcs/serverConfiguration", None),
        (Method::POST, "/websvcs/queue/query", None),
        (Method::POST, "/websvcs/register", None),
        (Method::POST, "/websvcs/problemReport", None),
        (Method::POST, "/websvcs/chat", None),
        (Method::POST, "/websvcs", None),
        (Method::POST, "/x/websvcs/chat/start", None),
        (Method::POST, "/icws/web-chat/start", None),
    ] {
        let found = Operation::of(Wire::Webtools, &method, path);
        assert_eq!(found, operation, "{method} {path}");
    }
}

#[test]
fn the_operations_of_icws() {
    let start = |interaction| Some(Operation::Start(interaction));
    let reconnect = |interaction| Some(Operation::Reconnect(interaction));
    for (method, path, operation) in [
        (Method::POST, "/icws/web-chat/start", start(Chat)),
        (Method::POST, "/ICWS/Web-Chat/Start", start(Chat)),
        (Method::POST, "/icws/web-callback/create", start(Callback)),
        (Method::POST, "/icws/web-chat/reconnect", reconnect(Chat)),
        (
            Method::POST,
            "/icws/web-callback/reconnect",
            reconnect(Callback),
        ),
        (Method::GET, "/icws/web-chat/messages/7a", poll("7a")),
        (Method::GET, "/icws/web-chat/poll/7a", poll("7a")),
        (
            Method::GET,
            "/icws/web-chat/message-history/7a",
            touch(Subject::Chat, "7a"),
        ),
        (
            Method::POST,
            "/icws/web-chat/send-message/7a",
            touch(Subject::Chat, "7a"),
        ),
        (
            Method::POST,
            "/icws/web-chat/typing-state/7a",
            touch(Subject::Chat, "7a"),
        ),
        (Method::POST, "/icws/web-chat/exit/7a", exit(Chat, "7a")),
        (Method::POST, "/icws/web-chat/end/7a", exit(Chat, "7a")),
        (
            Method::DELETE,
            "/icws/web-chat/disconnect/7a",
            exit(Chat, "7a"),
        ),
        (Method::DELETE, "/icws/web-chat/7a", exit(Chat, "7a")),
        (
            Method::GET,
            "/icws/web-chat/exit/7a",
            touch(Subject::Chat, "7a"),
        ),
        (
            Method::DELETE,
            "/icws/web-chat/messages/7a",
            life(Subject::Chat, "7a"),
        ),
        (
            Method::GET,
            "/icws/web-chat/messages/7a/b",
            life(Subject::Chat, "7a"),
        ),
        (Method::GET, "/icws/web-chat/file/7a/g/start", None),
        (Method::GET, "/icws/web-callback/status/7a", status("7a")),
        (
            Method::POST,
            "/icws/web-callback/disconnect/7a",
            exit(Callback, "7a"),
        ),
        (
            Method::DELETE,
            "/icws/web-callback/7a",
            exit(Callback, "7a"),
        ),
        (Method::POST, "/icws/web-chat/exit", None),
        (Method::DELETE, "/icws/web-chat/exit", None),
        (Method::POST, "/icws/web-chat", None),
        (Method::POST, "/icws/connection", None),
        (Method::GET, "/icws/123/messaging/messages", None),
        (Method::POST, "/icws/123/web-chat/start", None),
        (Method::POST, "/websvcs/chat/start", None),
    ] {
        let found = Operation::of(Wire::Icws, &method, path);
        assert_eq!(found, operation, "{method} {path}");
    }
}

#[test]
fn a_start_is_a_start_in_whatever_spelling() {
    for path in [
        "/websvcs/chat/%73tart",
        "/websvcs/chat/%53TART",
        "/websvcs/chat/%2573tart",
        "/websvcs/chat%2fstart",
        "/websvcs/chat%5cstart",
        "/websvcs/chat\\start",
        "/%77ebsvcs/chat/start",
        "/websvcs//chat/start",
        "//websvcs/chat///start",
        "/websvcs/./chat/./start",
        "/websvcs/chat/x/../start",
        "/websvcs/queue/../chat/start",
        "/websvcs/queue/%2e%2e/chat/start",
        "/websvcs/queue/%252e%252e/chat/start",
        "/websvcs/queue/..;a=b/chat/start",
        "/websvcs/queue\\..\\chat\\start",
        "/websvcs;a/chat;b/start;c",
        "/websvcs/chat/start;jsessionid=1",
        "/websvcs/chat/start%3fx=/websvcs/chat/poll/7a",
        "/websvcs/chat/start%23",
        "/websvcs/chat/start%2f..%2fpoll%2f7a",
        "/websvcs/chat/start/../exit/7a",
        "/websvcs/chat/start%2e",
        "/websvcs/chat/start%20",
        "/websvcs/chat/start%2f",
        "/websvcs/chat/poll/../start",
        "/websvcs/chat/exit/7a/..%2f..%2fstart",
        "/websvcs/chat/reconnect/%2e%2e/start",
        "/websvcs/chat/getfile/7a/h/../../../start",
        "/websvcs/chat/%EF%BD%93tart",
        "/websvcs/chat/%C5%BFtart",
        "/websvcs/%EF%BC%8Fchat/start",
    ] {
        let found = Operation::of(Wire::Webtools, &Method::POST, path);
        assert_eq!(found, Some(Operation::Start(Chat)), "{path}");
        assert!(
            path_safety::texts(path).is_some(),
            "{path} is not read at all"
        );
    }
    for path in [
        "/websvcs/callback/%63reate",
        "/websvcs/%E2%84%AAallbac/../callbac%E2%84%AA/create",
        "/websvcs/chat/../callback/create",
        "/websvcs/callback/status/7a%2f..%2f..%2fcreate",
    ] {
        let found = Operation::of(Wire::Webtools, &Method::POST, path);
        assert_eq!(found, Some(Operation::Start(Callback)), "{path}");
    }
    for (path, interaction) in [
        ("/icws/123/../web-chat/start", Chat),
        ("/icws/web%2dchat/start", Chat),
        ("/%C4%B1cws/web-chat/start", Chat),
        ("/icws/web-chat/%2573tart", Chat),
        ("/icws/web-callback;x/create", Callback),
    ] {
        let found = Operation::of(Wire::Icws, &Method::POST, path);
        assert_eq!(found, Some(Operation::Start(interaction)), "{path}");
        assert!(
            path_safety::texts(path).is_some(),
            "{path} is not read at all"
        );
    }
}

#[test]
fn a_path_with_two_readings_keeps_alive_and_never_ends() {
    for (path, operation) in [
        ("/websvcs/chat/%70oll/7a", life(Subject::Chat, "7a")),
        ("/websvcs/chat/poll/7a;x", life(Subject::Chat, "7a")),
        ("/websvcs/chat/poll/%37a", life(Subject::Chat, "7a")),
        ("/websvcs/chat/poll/%7B7a%7D", life(Subject::Chat, "{7a}")),
        ("/websvcs//chat/poll/7a", life(Subject::Chat, "7a")),
        ("/websvcs/chat/exit/%37a", life(Subject::Chat, "7a")),
        ("/websvcs/chat/exit/7a;x", life(Subject::Chat, "7a")),
        ("/websvcs/chat/%65xit/7a", life(Subject::Chat, "7a")),
        ("/websvcs//chat/exit/7a", life(Subject::Chat, "7a")),
        (
            "/websvcs/callback/disconnect/./7a",
            life(Subject::Callback, "7a"),
        ),
    ] {
        let found = Operation::of(Wire::Webtools, &Method::POST, path);
        assert_eq!(found, operation, "{path}");
    }
}

#[test]
fn what_routing_refuses_is_at_least_a_start() {
    for path in ["/websvcs/%00", "/../x", "/%c0%ae", "/a/.../b", "x", "/a%"] {
        let found = Operation::of(Wire::Webtools, &Method::POST, path);
        assert_eq!(found, Some(Operation::Start(Chat)), "{path}");
    }
}

proptest! {
    #[test]
    fn no_path_makes_it_panic(path in "(/(websvcs|icws|chat|web-chat|start|poll|exit|[a-z%;.\\\\25]{0,6})){0,6}[\\PC]{0,4}") {
        for wire in [Wire::Webtools, Wire::Icws] {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let _ = Operation::of(wire, &method, &path);
            }
        }
    }

    /// Each letter as it is, in the other case, escaped or escaped twice; slashes doubled, turned, or with a parameter before them.
    #[test]
    fn no_spelling_of_a_start_is_missed(how in proptest::collection::vec(0_u8..24, 24)) {
        let mut path = String::new();
        for (letter, how) in "/websvcs/callback/create".chars().zip(how) {
            let code = u32::from(letter);
            let spelled = match (letter, how) {
                ('/', 0 | 1) if !path.is_empty() => "//".to_owned(),
                ('/', 2) if !path.is_empty() => "\\".to_owned(),
                ('/', 3) if !path.is_empty() => ";a=b/".to_owned(),
                ('/', 4) if !path.is_empty() => "/./".to_owned(),
                ('/', 5) if !path.is_empty() => "%2f".to_owned(),
                ('/', _) => "/".to_owned(),
                (_, 0) => letter.to_ascii_uppercase().to_string(),
                (_, 1) => format!("%{code:02x}"),
                (_, 2) => format!("%25{code:02X}"),
                _ => letter.to_string(),
            };
            path.push_str(&spelled);
        }
        let found = Operation::of(Wire::Webtools, &Method::POST, &path);
        // Tricks beyond the bounds of routing, which refuses the path, are taken for the start of a chat.
        let expected = if path_safety::texts(&path).is_some() { Callback } else { Chat };
        prop_assert_eq!(found, Some(Operation::Start(expected)), "{}", path);
    }
}
