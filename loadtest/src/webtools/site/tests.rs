use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::webtools::{Answer, Operation, Visit};

fn visit(node: Node, visitor: &str, now: Instant) -> Visit<'_> {
    Visit { node, visitor, now }
}

fn envelope(answer: Answer) -> Value {
    match answer {
        Answer::Envelope(value) | Answer::Refused(value) => value,
        other => panic!("an envelope was expected, not {other:?}"),
    }
}

fn start(site: &mut Site, node: Node, visitor: &str, now: Instant) -> Value {
    let body =
        json!({"participant": {"name": "Ann"}, "target": "Sales", "targetType": "Workgroup"});
    envelope(site.perform(&visit(node, visitor, now), &Operation::Start, &body))["chat"].take()
}

fn poll(site: &mut Site, node: Node, participant: &str, now: Instant) -> Value {
    let operation = Operation::Poll(participant.to_owned());
    let answer = site.perform(&visit(node, "-", now), &operation, &Value::Null);
    envelope(answer)["chat"].take()
}

fn unlimited() -> Site {
    let mut site = Site::default();
    for name in [
        "MaxChatsAllowedPerUnitTime",
        "MaxInteractionsAllowedPerUnitTime",
        "MaxInteractionsAllowedPerIP",
    ] {
        site.parameters.set(name, "1000000").unwrap();
    }
    site
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

#[test]
fn a_silent_visitor_is_warned_and_then_disconnected_although_the_page_polls() {
    let (mut site, mut now) = (Site::default(), Instant::now());
    site.parameters.set("EnableIdleTimeout", "1").unwrap();
    let chat = start(&mut site, Node::A, "192.0.2.1", now);
    let participant = text(&chat, "participantID");
    let mut said = Vec::new();
    let mut gone_after = None;
    for second in (0..500).step_by(10) {
        let answer = poll(&mut site, Node::A, participant, now);
        for event in answer["events"].as_array().into_iter().flatten() {
            if event["type"] == "text" {
                said.push((second, text(event, "value").to_owned()));
            }
        }
        if answer["status"]["reason"] == "error.websvc.unknownEntity.session" {
            gone_after = Some(second);
            break;
        }
        now += Duration::from_secs(10);
    }
    let when: Vec<_> = said.iter().map(|(second, _)| *second).collect();
    assert_eq!(
        when,
        [0, 300, 420],
        "joined, warned, disconnected: {said:?}"
    );
    assert_eq!(gone_after, Some(430));
    assert_eq!(site.truth(now).chats(), 0);
}

#[test]
fn writing_something_ends_the_silence() {
    let (mut site, now) = (Site::default(), Instant::now());
    site.parameters.set("EnableIdleTimeout", "1").unwrap();
    site.parameters.poll_silence = Duration::from_secs(3600);
    let chat = start(&mut site, Node::A, "192.0.2.1", now);
    let say = Operation::SendMessage(text(&chat, "participantID").to_owned());
    let later = now + Duration::from_secs(419);
    site.perform(&visit(Node::A, "-", later), &say, &json!({"message": "hi"}));
    assert_eq!(site.truth(later + Duration::from_secs(419)).chats(), 1);
    assert_eq!(site.truth(later + Duration::from_secs(420)).chats(), 0);
}

#[test]
fn a_reconnect_from_another_address_keeps_the_first_owner() {
    let (mut site, now) = (Site::default(), Instant::now());
    let chat = start(&mut site, Node::A, "192.0.2.1", now);
    let body = json!({"chatID": chat["chatID"]});
    let moved = visit(Node::B, "198.51.100.1", now);
    let answer = envelope(site.perform(&moved, &Operation::Reconnect, &body));
    assert_eq!(answer["chat"]["chatID"], chat["chatID"]);
    assert_ne!(answer["chat"]["participantID"], chat["participantID"]);
    let truth = site.truth(now);
    assert_eq!((truth.of("192.0.2.1"), truth.of("198.51.100.1")), (1, 0));
}

#[test]
fn accounts_are_checked_and_counted_per_user() {
    let (mut site, now) = (unlimited(), Instant::now());
    site.set_account("ann", "s3cret");
    let mut as_user = |credentials: &str| {
        let participant = json!({"name": "ann", "credentials": credentials});
        let body =
            json!({"participant": participant, "target": "Sales", "targetType": "Workgroup"});
        let here = visit(Node::A, "192.0.2.1", now);
        envelope(site.perform(&here, &Operation::Start, &body))["chat"]["status"].take()
    };
    assert_eq!(
        as_user("wrong")["reason"],
        "error.websvc.userdb.badCredentials"
    );
    for _ in 0..5 {
        assert_eq!(as_user("s3cret")["type"], "success");
    }
    assert_eq!(as_user("s3cret")["reason"], "error.websvc.unavailable");
    assert_eq!(site.refusals, [Limit::User]);
}

#[test]
fn ended_chats_are_remembered_up_to_a_bound() {
    let (mut site, now) = (unlimited(), Instant::now());
    let first = start(&mut site, Node::A, "192.0.2.1", now);
    assert!(site.end_chat(text(&first, "chatID")));
    for _ in 0..REMEMBERED {
        let id = new_chat(&mut site, now);
        assert!(site.end_chat(&id));
    }
    assert_eq!(
        (site.chats.len(), site.places.len()),
        (REMEMBERED, REMEMBERED)
    );
    let forgotten = poll(&mut site, Node::A, text(&first, "participantID"), now);
    assert_eq!(
        forgotten["status"]["reason"],
        "error.websvc.unknownEntity.participant"
    );
}

fn new_chat(site: &mut Site, now: Instant) -> String {
    // Below `perform`, which would look through all remembered chats each time.
    let chat = Chat::new("192.0.2.1", "Ann", "Sales", None, now);
    let (id, participant) = (chat.id.clone(), chat.visitor.id.clone());
    let place = Place {
        node: Node::A,
        kind: Kind::Chat,
        id: id.clone(),
    };
    site.places.insert(participant, place);
    site.chats.insert(id.clone(), chat);
    id
}

#[derive(Clone, Debug)]
enum Step {
    Start(Node, u8),
    Exit(usize),
    Reconnect(Node, usize),
    EndInside(usize),
    Poll(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let node = prop_oneof![Just(Node::A), Just(Node::B)];
    prop_oneof![
        (node.clone(), 0..4_u8).prop_map(|(node, address)| Step::Start(node, address)),
        (0..8_usize).prop_map(Step::Exit),
        (node, 0..8_usize).prop_map(|(node, chat)| Step::Reconnect(node, chat)),
        (0..8_usize).prop_map(Step::EndInside),
        (0..8_usize).prop_map(Step::Poll),
    ]
}

/// What a page knows of its chat.
struct Known {
    address: String,
    chat: String,
    participant: String,
    node: Node,
    open: bool,
}

proptest! {
    #[test]
    fn the_truth_is_what_was_started_and_has_not_ended(steps in proptest::collection::vec(step(), 1..60)) {
        let (mut site, now) = (unlimited(), Instant::now());
        let mut pages: Vec<Known> = Vec::new();
        for step in steps {
            match step {
                Step::Start(node, address) => {
                    let address = format!("192.0.2.{address}");
                    let chat = start(&mut site, node, &address, now);
                    let (id, participant) = (text(&chat, "chatID").to_owned(), text(&chat, "participantID").to_owned());
                    pages.push(Known { address, chat: id, participant, node, open: true });
                }
                Step::Exit(at) => if let Some(page) = pages.get_mut(at) {
                    let exit = Operation::Exit(page.participant.clone());
                    let answer = envelope(site.perform(&visit(page.node, "-", now), &exit, &Value::Null));
                    prop_assert_eq!(answer["chat"]["status"]["type"] == "success", page.open);
                    page.open = false;
                }
                Step::Reconnect(node, at) => if let Some(page) = pages.get_mut(at) {
                    let body = json!({"chatID": page.chat});
                    let mut answer = envelope(site.perform(&visit(node, "-", now), &Operation::Reconnect, &body));
                    let chat = answer["chat"].take();
                    prop_assert_eq!(chat["status"]["type"] == "success", page.open);
                    if page.open {
                        let stale = poll(&mut site, page.node, &page.participant, now);
                        prop_assert_eq!(&stale["status"]["reason"], "error.websvc.unknownEntity.participant");
                        page.participant = text(&chat, "participantID").to_owned();
                        page.node = node;
                    }
                }
                Step::EndInside(at) => if let Some(page) = pages.get_mut(at) {
                    prop_assert_eq!(site.end_chat(&page.chat), page.open);
                    page.open = false;
                }
                Step::Poll(at) => if let Some(page) = pages.get(at) {
                    let first = poll(&mut site, page.node, &page.participant, now);
                    let second = poll(&mut site, page.node, &page.participant, now);
                    let told = |answer: &Value| answer["events"].as_array().map_or(0, Vec::len);
                    prop_assert_eq!(told(&second), 0, "{:?} then {:?}", first, second);
                    prop_assert_eq!(second["status"]["type"] == "success", page.open);
                }
            }
            let truth = site.truth(now);
            let of = |address: &str| truth.by_address.get(address).map(|own| own.chats.clone()).unwrap_or_default();
            for address in 0..4 {
                let address = format!("192.0.2.{address}");
                let open = pages.iter().filter(|page| page.open && page.address == address);
                prop_assert_eq!(of(&address), open.map(|page| page.chat.clone()).collect::<BTreeSet<_>>());
            }
        }
    }
}

#[test]
fn a_callback_that_nobody_asks_about_is_given_up_only_where_that_is_wished() {
    let (mut site, now) = (Site::default(), Instant::now());
    let participant = json!({"name": "Wally", "telephone": "555 0100"});
    let body = json!({"participant": participant, "target": "Sales", "targettype": "Workgroup"});
    let create = site.perform(
        &visit(Node::A, "192.0.2.1", now),
        &Operation::CreateCallback,
        &body,
    );
    let created = envelope(create);
    let day = Duration::from_secs(24 * 3600);
    assert_eq!(site.truth(now + day).callbacks(), 1);
    site.parameters.callback_silence = Some(Duration::from_secs(60));
    let later = now + Duration::from_secs(60);
    let status = Operation::CallbackStatus(text(&created["callback"], "participantID").to_owned());
    site.perform(&visit(Node::A, "-", later), &status, &json!({}));
    assert_eq!(site.truth(later + Duration::from_secs(60)).callbacks(), 1);
    assert_eq!(site.truth(later + Duration::from_secs(61)).callbacks(), 0);
}
