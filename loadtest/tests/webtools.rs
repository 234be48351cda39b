//! The visitor page and plain requests against the simulated pair.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::time::Duration;

use loadtest::webtools::client::{Outcome, Page, PageOptions, Phase, Request, Timings, Trust};
use loadtest::webtools::{Canned, Death, Limit, Mode, Pair, PairOptions, Reason, Refusal, State};
use loadtest::wire::{Authority, Fault, ServerTls};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const DEADLINE: Duration = Duration::from_secs(10);

async fn pair() -> Pair {
    let pair = Pair::start().await.unwrap();
    pair.set("MaxPollFrequency", "20").unwrap();
    pair
}

fn page(pair: &Pair) -> Page {
    Page::new(PageOptions::direct(pair)).unwrap()
}

async fn chatting(pair: &Pair) -> (Page, String) {
    let page = page(pair);
    page.start_chat("Wally", "Marketing").await.unwrap();
    let chat = page.view().chat_id;
    assert_eq!(pair.only_chat().as_ref(), Some(&chat));
    (page, chat)
}

/// Sends one request with `Connection: close` and returns status and body.
async fn raw(pair: &Pair, head: &str, body: &str) -> (u16, String) {
    let address = pair.a.wire().address();
    let mut tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = head.replace("{host}", &address.to_string());
    let length = body.len();
    let request = format!("{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.get(9..12).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn a_chat_runs_from_start_to_exit() {
    let pair = pair().await;
    let (page, chat) = chatting(&pair).await;
    assert!(pair.agent_says(&chat, "How can I help?"));
    assert!(pair.agent_types(&chat, true));
    assert!(pair.agent_sends_url(&chat, "https://example.com/offer"));
    assert!(pair.agent_becomes(&chat, State::Held));
    page.wait_for("the agent's line", DEADLINE, |view| {
        view.heard.iter().any(|text| text == "How can I help?")
    })
    .await
    .unwrap();
    page.say("Hello").await.unwrap();
    page.typing(true).await.unwrap();
    assert_eq!(pair.said(&chat), ["Hello"]);
    let view = page
        .wait_for("own line", DEADLINE, |view| {
            view.heard.iter().any(|text| text == "Hello")
        })
        .await
        .unwrap();
    let mut numbers: Vec<_> = view
        .events
        .iter()
        .map(|event| event["sequenceNumber"].as_u64().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(
        numbers,
        (0..numbers.len() as u64).collect::<Vec<_>>(),
        "no event is lost or told twice"
    );
    for kind in ["participantStateChanged", "text", "url", "typingIndicator"] {
        assert!(
            view.events.iter().any(|event| event["type"] == kind),
            "{kind}"
        );
    }
    page.exit().await.unwrap();
    assert_eq!(pair.truth().chats(), 0);
    assert_eq!(page.view().phase, Phase::Ended);
}

#[tokio::test]
async fn the_page_learns_from_a_poll_that_the_chat_has_ended() {
    let pair = pair().await;
    let (page, chat) = chatting(&pair).await;
    pair.agent_joins(&chat);
    assert!(pair.end_chat(&chat));
    assert_eq!(pair.truth().chats(), 0, "it is over before the page knows");
    let view = page
        .wait_for("the end", DEADLINE, |view| view.phase == Phase::Ended)
        .await
        .unwrap();
    let last = view.events.last().unwrap();
    assert_eq!(
        (&last["state"], &last["participantID"]),
        (&json!("disconnected"), &json!(view.participant))
    );
    assert!(!pair.end_chat(&chat));
}

#[tokio::test]
async fn a_large_binary_file_arrives_unchanged() {
    let pair = pair().await;
    let (page, chat) = chatting(&pair).await;
    let content: Vec<u8> = (0..3_000_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let path = pair
        .agent_sends_file(&chat, "price list.bin", content.clone())
        .unwrap();
    assert!(path.ends_with("/-price%20list.bin"), "{path}");
    page.wait_for("the file", DEADLINE, |view| {
        view.events
            .iter()
            .any(|event| event["value"] == path.as_str())
    })
    .await
    .unwrap();
    assert!(page.fetch_file(&path).await.unwrap() == content);
    let other = path.replace(
        &page.view().participant,
        "00000000-0000-0000-0000-000000000000",
    );
    assert_eq!(
        page.fetch_file(&other).await.unwrap_err().0,
        Outcome::Status(404)
    );
}

#[tokio::test]
async fn party_queue_register_and_report_are_answered() {
    let pair = pair().await;
    let (page, chat) = chatting(&pair).await;
    pair.agent_says(&chat, "Hi");
    let view = page
        .wait_for("the agent", DEADLINE, |view| {
            view.events
                .iter()
                .any(|event| event["participantType"] == "Agent")
        })
        .await
        .unwrap();
    let agent = view
        .events
        .iter()
        .find(|event| event["participantType"] == "Agent")
        .unwrap();
    let party = page
        .party_info(agent["participantID"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(party["partyInfo"]["name"], "Bob Boyle");
    assert_eq!(
        page.party_info("nobody").await.unwrap_err().0,
        Outcome::Refused(Reason::UnknownParticipant.code().into())
    );
    assert_eq!(
        page.query_queue("Marketing").await.unwrap()["queue"]["agentsAvailable"],
        2
    );
    assert_eq!(
        page.query_queue("Nowhere").await.unwrap_err().0,
        Outcome::Refused(Reason::InvalidQueue.code().into())
    );
    page.register("ann", "s3cret").await.unwrap();
    assert_eq!(
        page.register("ann", "x").await.unwrap_err().0,
        Outcome::Refused(Reason::AccountExists.code().into())
    );
    let report = json!({"version": 1, "exceptions": "Failed request"});
    assert_eq!(
        page.report_problem(&report).await.unwrap_err().0,
        Outcome::Refused(Reason::UnsupportedOperation.code().into())
    );
    pair.set("AllowClientProblemReport", "1").unwrap();
    page.report_problem(&report).await.unwrap();
    assert_eq!(pair.site().problem_reports.len(), 1);
    let long = json!({"exceptions": "x".repeat(15_360)});
    assert!(page.report_problem(&long).await.is_err());
}

#[tokio::test]
async fn a_callback_is_created_watched_reconnected_and_cancelled() {
    let pair = pair().await;
    let page = page(&pair);
    page.create_callback("Wally", "Marketing", "555 0100")
        .await
        .unwrap();
    let callback = pair.only_callback().unwrap();
    assert_eq!(page.view().callback_id, callback);
    assert!(pair.agent_takes_callback(&callback));
    let view = page
        .wait_for("the agent", DEADLINE, |view| {
            view.callback_status["acdStatus"]["interactionState"] == "Connected"
        })
        .await
        .unwrap();
    assert_eq!(view.callback_status["assignedAgent"]["name"], "Bob Boyle");
    pair.switch_over(Death::Unavailable).await;
    let before = view.callback_participant;
    let view = page
        .wait_for("the callback on B", DEADLINE, |view| {
            view.fragment == 1 && view.callback_participant != before
        })
        .await
        .unwrap();
    assert_eq!(view.callback_id, callback);
    page.cancel_callback().await.unwrap();
    assert_eq!(pair.truth().callbacks(), 0);
}

#[tokio::test]
async fn a_dead_server_hands_its_chats_to_the_other_under_new_ids() {
    for death in [Death::Reset, Death::Unavailable, Death::Hang] {
        let pair = pair().await;
        let mut options = PageOptions::direct(&pair);
        options.timings.abort = Duration::from_millis(300);
        let page = Page::new(options).unwrap();
        page.start_chat("Wally", "Marketing").await.unwrap();
        let (chat, old) = (page.view().chat_id, page.view().participant);
        pair.switch_over(death).await;
        let view = page
            .wait_for("the chat on B", DEADLINE, |view| {
                view.fragment == 1 && view.phase == Phase::Chatting
            })
            .await
            .unwrap();
        assert_eq!(
            (view.chat_id.as_str(), view.failovers),
            (chat.as_str(), 1),
            "{death:?}"
        );
        assert_ne!(view.participant, old);
        assert_eq!(pair.only_chat(), Some(chat.clone()));
        let trail: Vec<_> = view
            .trail()
            .into_iter()
            .filter(|(request, _)| *request != Request::Poll)
            .collect();
        let expected = [
            (Request::Configuration, 0),
            (Request::Start, 0),
            (Request::Configuration, 0),
            (Request::Configuration, 1),
            (Request::Reconnect, 1),
        ];
        assert_eq!(trail, expected, "{death:?}");
        assert!(pair.agent_says(&chat, "Still here"));
        page.wait_for("the agent on B", DEADLINE, |view| {
            view.heard.iter().any(|text| text == "Still here")
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn the_old_participant_id_is_unknown_after_a_reconnect() {
    let pair = pair().await;
    let (page, _) = chatting(&pair).await;
    let old = page.view().participant;
    pair.switch_over(Death::Unavailable).await;
    page.wait_for("B", DEADLINE, |view| {
        view.fragment == 1 && view.phase == Phase::Chatting
    })
    .await
    .unwrap();
    pair.a.revive().await;
    let head = format!(
        "GET /websvcs/chat/poll/{old} HTTP/1.1\r\nHost: {{host}}\r\nAccept: application/json"
    );
    let (status, body) = raw(&pair, &head, "").await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &answer["chat"]["status"]["reason"]),
        (200, &json!("error.websvc.unknownEntity.participant"))
    );
    let new = page.view().participant;
    let head = format!(
        "GET /websvcs/chat/poll/{new} HTTP/1.1\r\nHost: {{host}}\r\nAccept: application/json"
    );
    let (_, body) = raw(&pair, &head, "").await;
    assert!(
        body.contains("unknownEntity.participant"),
        "B's id means nothing on A"
    );
}

#[tokio::test]
async fn one_stray_refusal_of_a_poll_costs_three_requests_and_a_new_id() {
    for canned in [
        Canned::Status(429),
        Canned::Status(403),
        Canned::Status(503),
        Canned::Status(500),
    ] {
        let pair = pair().await;
        let (page, _) = chatting(&pair).await;
        pair.a.next_answer("/chat/poll/", 1, canned.clone());
        let view = page
            .wait_for("a new id", DEADLINE, |view| {
                view.participants.len() == 2 && view.phase == Phase::Chatting
            })
            .await
            .unwrap();
        assert_eq!(
            (view.fragment, view.failovers),
            (0, 1),
            "{canned:?}: A answers, so the page stays there"
        );
        assert_eq!(view.count(Request::Reconnect), 1);
        assert_eq!(view.count(Request::Configuration), 2);
    }
}

#[tokio::test]
async fn a_failure_or_a_page_in_place_of_a_poll_changes_nothing() {
    for canned in [Canned::Html, Canned::Failure(Reason::Unavailable)] {
        let pair = pair().await;
        let (page, chat) = chatting(&pair).await;
        pair.a.next_answer("/chat/poll/", 2, canned);
        pair.agent_says(&chat, "Hello");
        let view = page
            .wait_for("the line", DEADLINE, |view| {
                view.heard.iter().any(|text| text == "Hello")
            })
            .await
            .unwrap();
        assert_eq!((view.failovers, view.phase), (0, Phase::Chatting));
    }
    let pair = pair().await;
    let (page, _) = chatting(&pair).await;
    pair.a
        .next_answer("/chat/poll/", 1, Canned::Failure(Reason::UnknownSession));
    page.wait_for("the end", DEADLINE, |view| view.phase == Phase::Ended)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_start_is_repeated_once_on_500_and_504_only() {
    for (canned, starts) in [
        (Canned::Status(500), 2),
        (Canned::Status(504), 2),
        (Canned::Status(503), 1),
        (Canned::Status(502), 1),
        (Canned::Status(429), 1),
        (Canned::Moved("/elsewhere".into()), 1),
        (Canned::Html, 1),
        (Canned::Failure(Reason::Unavailable), 1),
    ] {
        let pair = pair().await;
        pair.a.next_answer("/chat/start", 5, canned.clone());
        let page = page(&pair);
        assert!(page.start_chat("Wally", "Marketing").await.is_err());
        assert_eq!(page.view().count(Request::Start), starts, "{canned:?}");
        assert_eq!(page.view().phase, Phase::Idle);
    }
}

#[tokio::test]
async fn a_reset_start_is_not_repeated_and_the_page_asks_for_the_configuration_again() {
    let pair = pair().await;
    pair.a
        .wire()
        .faults()
        .next("/chat/start", 1, Fault::ResetAfter(0));
    let page = page(&pair);
    assert_eq!(
        page.start_chat("Wally", "Marketing").await.unwrap_err().0,
        Outcome::Broken
    );
    let view = page
        .wait_for("the configuration", DEADLINE, |view| {
            view.count(Request::Configuration) == 2
        })
        .await
        .unwrap();
    assert_eq!(view.count(Request::Start), 1);
}

#[tokio::test]
async fn the_endless_loop_on_500_runs_to_its_cap_without_delay() {
    let pair = pair().await;
    let mut options = PageOptions::direct(&pair);
    options.repeat_cap = 50;
    let page = Page::new(options).unwrap();
    page.start_chat("Wally", "Marketing").await.unwrap();
    pair.a
        .next_answer("/partyInfo/", 1_000, Canned::Status(504));
    assert_eq!(
        page.party_info("x").await.unwrap_err().0,
        Outcome::Status(504)
    );
    assert_eq!(page.view().count(Request::PartyInfo), 51);
    page.wait_for("the fail-over it causes", DEADLINE, |view| {
        view.failovers == 1
    })
    .await
    .unwrap();
    pair.a.behave();
    pair.a.next_answer("/partyInfo/", 1, Canned::Status(503));
    let before = page.view().count(Request::PartyInfo);
    assert!(page.party_info("x").await.is_err());
    assert_eq!(
        page.view().count(Request::PartyInfo),
        before + 1,
        "503 is not repeated"
    );
}

#[tokio::test]
async fn polls_overlap_when_the_server_is_slow() {
    let pair = pair().await;
    let (page, _) = chatting(&pair).await;
    pair.a
        .wire()
        .faults()
        .set_for("/chat/poll/", Fault::HangBeforeHead);
    let view = page
        .wait_for("overlapping polls", DEADLINE, |view| {
            view.polls_in_flight >= 4
        })
        .await
        .unwrap();
    assert_eq!(view.failovers, 0);
}

#[tokio::test]
async fn a_message_during_fail_over_goes_to_the_other_server_under_the_old_id() {
    let pair = pair().await;
    let mut options = PageOptions::direct(&pair);
    options.timings.failover = Duration::from_secs(30);
    let page = Page::new(options).unwrap();
    page.start_chat("Wally", "Marketing").await.unwrap();
    pair.switch_over(Death::Unavailable).await;
    page.wait_for("the fail-over", DEADLINE, |view| view.failing_over)
        .await
        .unwrap();
    let refused = page.say("Hello?").await.unwrap_err();
    assert_eq!(
        refused.0,
        Outcome::Refused(Reason::UnknownParticipant.code().into())
    );
    let sent = page
        .view()
        .sent
        .into_iter()
        .rfind(|sent| sent.request == Request::SendMessage)
        .unwrap();
    assert_eq!(sent.fragment, 1);
}

#[tokio::test]
async fn a_changed_configuration_is_fetched_again() {
    let pair = pair().await;
    let (page, _) = chatting(&pair).await;
    pair.bump_configuration();
    let view = page
        .wait_for("the new version", DEADLINE, |view| {
            view.cfg_ver == 2 && view.count(Request::Configuration) == 2
        })
        .await
        .unwrap();
    assert_eq!(view.failovers, 0);
}

#[tokio::test]
async fn a_larger_suggestion_slows_the_page_down() {
    let pair = pair().await;
    let (page, _) = chatting(&pair).await;
    pair.set("MaxPollFrequency", "60000").unwrap();
    page.wait_for("the suggestion", DEADLINE, |view| {
        view.poll_wait == Duration::from_secs(60)
    })
    .await
    .unwrap();
    let quiet = page
        .wait_for("quiet", DEADLINE, |view| view.polls_in_flight == 0)
        .await
        .unwrap();
    assert_eq!(quiet.phase, Phase::Chatting);
}

#[tokio::test]
async fn a_pair_whose_chats_are_not_recovered_loses_them() {
    let pair = pair().await;
    let (page, _) = chatting(&pair).await;
    pair.site().recovery = false;
    pair.switch_over(Death::Reset).await;
    page.wait_for("the loss", DEADLINE, |view| view.phase == Phase::Lost)
        .await
        .unwrap();
}

#[tokio::test]
async fn fifteen_per_address_five_per_second_and_trusted_hosts_are_enforced() {
    let pair = pair().await;
    for burst in [
        "MaxChatsAllowedPerUnitTime",
        "MaxInteractionsAllowedPerUnitTime",
    ] {
        pair.set(burst, "1000").unwrap();
    }
    pair.set("TrustedHosts", "198.51.100.9, kiosk").unwrap();
    pair.site().name_host("kiosk", "198.51.100.10");
    let start = |visitor: &str| {
        let page = Page::new(PageOptions::direct(&pair).from_visitor(visitor)).unwrap();
        async move { page.start_chat("Wally", "Marketing").await }
    };
    for _ in 0..15 {
        start("192.0.2.1, 10.0.0.1").await.unwrap();
    }
    let refused = start("192.0.2.1").await.unwrap_err();
    assert_eq!(
        refused.0,
        Outcome::Refused("error.websvc.unavailable".into())
    );
    start("192.0.2.2").await.unwrap();
    for trusted in ["198.51.100.9", "198.51.100.10"] {
        for _ in 0..16 {
            start(trusted).await.unwrap();
        }
    }
    let truth = pair.truth();
    assert_eq!(
        (
            truth.of("192.0.2.1"),
            truth.of("192.0.2.2"),
            truth.of("198.51.100.9")
        ),
        (15, 1, 16)
    );
    pair.a.refuse_with(Refusal::NotFound);
    assert_eq!(
        start("192.0.2.1").await.unwrap_err().0,
        Outcome::Status(404)
    );
    pair.set("MaxChatsAllowedPerUnitTime", "5").unwrap();
    pair.set("ChatsAllowedUnitTime", "3600").unwrap();
    assert_eq!(
        start("192.0.2.3").await.unwrap_err().0,
        Outcome::Status(404)
    );
    assert_eq!(
        pair.site().refusals,
        [Limit::Address, Limit::Address, Limit::Burst]
    );
}

#[tokio::test]
async fn a_host_that_is_not_the_servers_own_is_refused() {
    let pair = pair().await;
    let port = pair.a.wire().address().port();
    for (host, expected) in [
        ("{host}".to_owned(), 200),
        ("127.0.0.1".to_owned(), 400),
        ("chat.example.com".to_owned(), 400),
        (format!("icserver1:{port}"), 400),
        ("127.0.0.1:80".to_owned(), 400),
        ("{host}\r\nHost: {host}".to_owned(), 400),
    ] {
        let head = format!("GET /websvcs/serverConfiguration HTTP/1.1\r\nHost: {host}");
        assert_eq!(raw(&pair, &head, "").await.0, expected, "{host}");
    }
}

#[tokio::test]
async fn a_name_of_the_cic_server_is_right_when_it_was_given() {
    let options = PairOptions {
        names: [vec!["icserver1".into()], Vec::new()],
        ..PairOptions::default()
    };
    let pair = Pair::start_with(options).await.unwrap();
    let port = pair.a.wire().address().port();
    let head = format!("GET /websvcs/serverConfiguration HTTP/1.1\r\nHost: ICserver1:{port}");
    assert_eq!(raw(&pair, &head, "").await.0, 200);
}

#[tokio::test]
async fn a_browser_sees_xml_and_the_page_a_json_list() {
    let pair = pair().await;
    let get = |accept: &str| {
        format!("GET /WEBSVCS/serverconfiguration HTTP/1.1\r\nHost: {{host}}\r\nAccept: {accept}")
    };
    let (_, xml) = raw(&pair, &get("text/html,application/xhtml+xml,*/*;q=0.8"), "").await;
    assert!(
        xml.starts_with("<?xml") && xml.contains("<serverConfiguration><cfgVer>1</cfgVer>"),
        "{xml}"
    );
    let (_, text) = raw(&pair, &get("application/json; charset=utf-8"), "").await;
    let list: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(list[0]["serverConfiguration"]["cfgVer"], 1);
}

#[tokio::test]
async fn a_chat_can_be_held_in_xml() {
    let pair = pair().await;
    let post = |path: &str| {
        format!("POST /WebSvcs/{path} HTTP/1.1\r\nHost: {{host}}\r\nContent-Type: application/xml")
    };
    let body = "<chat><participant><name>Wally</name></participant><target>Sales</target><targetType>Workgroup</targetType></chat>";
    let (status, started) = raw(&pair, &post("chat/start"), body).await;
    assert_eq!(status, 200);
    let answer = loadtest::webtools::xml::read(&started).unwrap();
    assert_eq!(answer["status"]["type"], "success");
    let participant = answer["participantID"].as_str().unwrap();
    let said = raw(
        &pair,
        &post(&format!("chat/sendMessage/{participant}")),
        "<chat><message>1 &lt; 2</message></chat>",
    )
    .await;
    assert!(said.1.contains("<value>1 &lt; 2</value>"), "{}", said.1);
    assert_eq!(pair.said(answer["chatID"].as_str().unwrap()), ["1 < 2"]);
    let (_, gone) = raw(
        &pair,
        &post("chat/sendMessage/nobody"),
        "<chat><message>x</message></chat>",
    )
    .await;
    assert!(gone.contains("<reason>error.websvc.unknownEntity.participant</reason>"));
}

#[tokio::test]
async fn a_server_writes_xml_with_attributes_when_told() {
    let pair = pair().await;
    pair.a
        .write_xml_as(loadtest::webtools::xml::Style::Attributes);
    let head = "GET /websvcs/chat/poll/x HTTP/1.1\r\nHost: {host}\r\nAccept: text/xml";
    let (_, text) = raw(&pair, head, "").await;
    assert!(
        text.contains(
            "<status type=\"failure\" reason=\"error.websvc.unknownEntity.participant\">"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn the_backup_answers_503_to_everything() {
    let pair = pair().await;
    pair.a.set_mode(Mode::Backup);
    for path in ["/websvcs/serverConfiguration", "/websvcs/nothing", "/"] {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {{host}}");
        assert_eq!(raw(&pair, &head, "").await.0, 503, "{path}");
    }
}

#[tokio::test]
async fn a_chat_whose_page_has_gone_is_reaped() {
    let pair = pair().await;
    let (page, _) = chatting(&pair).await;
    drop(page);
    assert_eq!(pair.truth().chats(), 1, "nobody has told the server");
    pair.site().parameters.poll_silence = Duration::from_millis(1);
    let gone = async {
        while pair.truth().chats() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(DEADLINE, gone).await.unwrap();
}

#[tokio::test]
async fn the_page_runs_over_verified_tls_and_prefixed_fragments_are_kept() {
    let authority = Authority::new("Simulated CIC authority").unwrap();
    let identity = authority.issue(&["icserver1", "127.0.0.1"]).unwrap();
    let options = PairOptions {
        tls: Some(ServerTls::new(identity)),
        names: [vec!["icserver1".into()], Vec::new()],
        ..PairOptions::default()
    };
    let pair = Pair::start_with(options).await.unwrap();
    let base = format!("https://icserver1:{}", pair.a.wire().address().port());
    let mut options = PageOptions::new(&base, &["/"]);
    options.connect_to = Some(pair.a.wire().address());
    options.timings = Timings::quick();
    let refused = Page::new(options.clone())
        .unwrap()
        .start_chat("Wally", "Marketing")
        .await
        .unwrap_err();
    assert_eq!(
        refused.0,
        Outcome::Broken,
        "an unknown authority is not believed"
    );
    options.trust = Trust::Authorities(authority.pem());
    let page = Page::new(options.clone()).unwrap();
    page.start_chat("Wally", "Marketing").await.unwrap();
    assert_eq!(pair.truth().chats(), 1);
    let mut careless = options.clone();
    careless.base = base.replace("icserver1", "other.example");
    careless.trust = Trust::Insecure;
    let outcome = Page::new(careless).unwrap().configure().await;
    assert_eq!(
        outcome.unwrap_err().0,
        Outcome::Status(400),
        "TLS is fine, the Host is not"
    );
    options.fragments = vec!["/I3Root/Server1".into()];
    let prefixed = Page::new(options).unwrap();
    assert_eq!(
        prefixed.configure().await.unwrap_err().0,
        Outcome::Status(404),
        "the real server has no such prefix"
    );
    let seen = pair
        .a
        .wire()
        .recorder()
        .last(|record| record.status == Some(404))
        .unwrap();
    assert_eq!(seen.target(), "/I3Root/Server1/websvcs/serverConfiguration");
}
