//! Every rule once: what it refuses, and that it refuses nothing else.

use super::support::*;

/// The kinds a start can be of: its path below the server, and a body.
const CHAT: (&str, &str) = ("/websvcs/chat/start", START);
const CALLBACK: (&str, &str) = ("/websvcs/callback/create", CREATE);

/// Starts one from 127.0.0.`last`; whether it runs. A refusal must be the vendor's, and the server must not hear of it.
async fn starts(stage: &Stage, last: u8, route: &str, (path, body): (&str, &str)) -> bool {
    let before = stage.pair.a.wire().recorder().all().len();
    let mut client = stage.http1(last);
    let answer = client.got("POST", &format!("{route}{path}"), body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let heard = stage.pair.a.wire().recorder().all().len() - before;
    if answer.success().is_none() {
        let reason = answer.reason();
        assert_eq!(reason.as_deref(), Some("error.websvc.unavailable"));
        assert_eq!(heard, 0, "the server heard of a refused start");
        return false;
    }
    assert_eq!(heard, 1);
    true
}

/// As many `true` as may start, then `false`.
async fn exactly(stage: &Stage, most: usize, last: u8, what: (&str, &str)) {
    for number in 1..=most + 2 {
        let expected = number <= most;
        assert_eq!(
            starts(stage, last, A, what).await,
            expected,
            "number {number}"
        );
    }
}

#[tokio::test]
async fn chats_and_callbacks_of_one_address_are_limited_together_over_both_servers_and_not_those_of_another()
 {
    let stage = stage(&format!("{{ MaxInteractionsAllowedPerIP: 3, {WIDE} }}")).await;
    assert!(starts(&stage, 2, A, CHAT).await);
    assert!(starts(&stage, 2, A, CALLBACK).await);
    assert!(starts(&stage, 2, A, CHAT).await);
    for route in [A, B] {
        assert!(!starts(&stage, 2, route, CHAT).await);
        assert!(!starts(&stage, 2, route, CALLBACK).await);
    }
    assert!(starts(&stage, 3, A, CHAT).await);
    // Another pair counts for itself.
    assert!(starts(&stage, 2, "/alone", CHAT).await);
}

#[tokio::test]
async fn the_totals_of_a_pair_hold_for_chats_and_for_callbacks_each() {
    let limits = "{ MaxActiveInteractionsAllowed: 2, MaxActiveCallbacksAllowed: 1, MaxInteractionsAllowedPerUnitTime: 10000, MaxChatsAllowedPerUnitTime: 10000 }";
    let stage = stage(limits).await;
    exactly(&stage, 2, 2, CHAT).await;
    exactly(&stage, 1, 3, CALLBACK).await;
    assert!(starts(&stage, 2, "/alone", CHAT).await);
}

#[tokio::test]
async fn the_totals_over_all_pairs_hold_across_them() {
    let stage = stage(&format!("{{ total_chats: 2, total_callbacks: 1, {WIDE} }}")).await;
    assert!(starts(&stage, 2, A, CHAT).await);
    assert!(starts(&stage, 3, "/alone", CHAT).await);
    for route in [A, "/alone"] {
        assert!(!starts(&stage, 4, route, CHAT).await);
    }
    assert!(starts(&stage, 4, "/alone", CALLBACK).await);
    assert!(!starts(&stage, 5, A, CALLBACK).await);
}

#[tokio::test]
async fn where_nobody_may_be_anonymous_only_whoever_signs_in_starts() {
    let wide = WIDE.replace(
        "MaxAnonymousInteractionsAllowed: 60000",
        "MaxAnonymousInteractionsAllowed: 0",
    );
    let stage = stage(&format!("{{ {wide} }}")).await;
    stage.pair.site().set_account("ann", "s3cret");
    let named = START
        .replace("\"Wally\"", "\"ann\"")
        .replace("null", "\"s3cret\"");
    assert!(starts(&stage, 2, A, ("/websvcs/chat/start", &named)).await);
    assert!(!starts(&stage, 2, A, CHAT).await);
    assert!(!starts(&stage, 2, A, CALLBACK).await);
    // What only the server could read is anonymous.
    for body in [
        "",
        "{",
        r#"{"participant":{"name":"ann","credentials":"","credentials":"s3cret"}}"#,
    ] {
        assert!(
            !starts(&stage, 2, A, ("/websvcs/chat/start", body)).await,
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_user_is_limited_from_wherever_he_asks_and_another_user_is_not() {
    let stage = stage(&format!("{{ MaxInteractionsAllowedPerUser: 2, {WIDE} }}")).await;
    let named = |name: &str| {
        stage.pair.site().set_account(name, "s3cret");
        START
            .replace("\"Wally\"", &format!("\"{name}\""))
            .replace("null", "\"s3cret\"")
    };
    let (ann, bob) = (named("ann"), named("bob"));
    for (last, body, expected) in [
        (2, &ann, true),
        (3, &ann, true),
        (4, &ann, false),
        (4, &bob, true),
    ] {
        assert_eq!(
            starts(&stage, last, A, ("/websvcs/chat/start", body)).await,
            expected
        );
    }
    // Wrong credentials are the server's business, and leave nothing behind.
    let wrong = bob.replace("s3cret", "guessed");
    for _ in 0..3 {
        let mut client = stage.http1(5);
        let answer = client
            .got("POST", &format!("{A}/websvcs/chat/start"), &wrong)
            .await;
        assert_eq!(
            answer.reason().as_deref(),
            Some("error.websvc.userdb.badCredentials")
        );
    }
    stage.agree().await.unwrap();
}

#[tokio::test]
async fn bursts_are_limited_for_both_kinds_together_and_for_each() {
    let within = "InteractionsAllowedUnitTime: 3600, ChatsAllowedUnitTime: 3600, CallbacksAllowedUnitTime: 3600";
    let limits = format!(
        "{{ MaxInteractionsAllowedPerUnitTime: 5, MaxChatsAllowedPerUnitTime: 3, MaxCallbacksAllowedPerUnitTime: 4, {within} }}"
    );
    let stage = stage(&limits).await;
    exactly(&stage, 3, 2, CHAT).await;
    exactly(&stage, 2, 2, CALLBACK).await;
    // A window of its own is full before the common one.
    let stage = self::stage(&limits).await;
    exactly(&stage, 4, 2, CALLBACK).await;
    exactly(&stage, 1, 2, CHAT).await;
}

#[tokio::test]
async fn after_the_unit_time_there_is_room_again() {
    let stage =
        stage("{ MaxInteractionsAllowedPerUnitTime: 2, InteractionsAllowedUnitTime: 1 }").await;
    exactly(&stage, 2, 2, CHAT).await;
    until("the window is over", async || {
        starts(&stage, 2, A, CHAT).await
    })
    .await;
}

#[tokio::test]
async fn trusted_hosts_are_free_of_the_limit_per_address_by_address_network_and_name() {
    let trusted = "TrustedHosts: [127.0.0.2, 127.0.0.4/31, localhost]";
    let stage = stage(&format!(
        "{{ MaxInteractionsAllowedPerIP: 1, {trusted}, {WIDE}, MaxActiveChatsAllowed: 12 }}"
    ))
    .await;
    // Names are looked up in the background.
    until("localhost is known", async || {
        let mut client = stage.http1(1);
        let mut both = true;
        for _ in 0..2 {
            let answer = client
                .got("POST", &format!("{A}/websvcs/callback/create"), CREATE)
                .await;
            both &= answer.success().is_some();
        }
        both
    })
    .await;
    for last in [1, 2, 4, 5] {
        for _ in 0..2 {
            assert!(starts(&stage, last, A, CHAT).await, "127.0.0.{last}");
        }
    }
    exactly(&stage, 1, 3, CHAT).await;
    // The other limits hold for them too.
    for _ in 0..3 {
        assert!(starts(&stage, 2, A, CHAT).await);
    }
    assert!(!starts(&stage, 2, A, CHAT).await);
    stage.agree().await.unwrap();
}

#[tokio::test]
async fn a_limit_that_only_observes_lets_everything_pass_and_says_what_it_would_have_refused() {
    let stage = stage(&format!(
        "{{ mode: observe, MaxInteractionsAllowedPerIP: 2, {WIDE} }}"
    ))
    .await;
    for _ in 0..5 {
        assert!(starts(&stage, 2, A, CHAT).await);
    }
    stage.agree().await.unwrap();
    for (mode, expected) in [("observe", 3.0), ("enforce", 0.0)] {
        let mode = format!("mode=\"{mode}\"");
        let labels = ["reason=\"interactions\"", mode.as_str()];
        let refusals = metric(&stage.edge, "portcullis_refusals_total", &labels).await;
        assert_eq!(refusals, expected, "{mode}");
    }
}

#[tokio::test]
async fn without_the_section_or_with_it_off_everything_is_counted_and_nothing_refused() {
    for section in ["", "{ mode: off, MaxInteractionsAllowedPerIP: 1 }"] {
        let stage = stage(section).await;
        for _ in 0..20 {
            assert!(starts(&stage, 2, A, CHAT).await);
        }
        assert!(starts(&stage, 2, A, CALLBACK).await);
        stage.agree().await.unwrap();
        assert_eq!(stage.counts().await, sure(20, 1));
    }
}

#[tokio::test]
async fn whoever_no_limit_per_address_holds_for_is_not_limited_by_the_one_on_interactions_either() {
    let limits = format!("{{ MaxInteractionsAllowedPerIP: 1, {WIDE}, MaxActiveChatsAllowed: 4 }}");
    let more = "client_address: { trusted_proxies: [127.0.0.6] }";
    let stage = stage_with(&limits, "exempt: [127.0.0.5]", more).await;
    exactly(&stage, 1, 2, CHAT).await;
    assert!(starts(&stage, 5, A, CHAT).await);
    assert!(starts(&stage, 5, A, CHAT).await);
    // A proxy that names nobody speaks for many.
    assert!(starts(&stage, 6, A, CALLBACK).await);
    assert!(starts(&stage, 6, A, CALLBACK).await);
    // The totals hold all the same.
    assert!(starts(&stage, 5, A, CHAT).await);
    assert!(!starts(&stage, 5, A, CHAT).await);
}

#[tokio::test]
async fn behind_a_trusted_proxy_every_visitor_has_the_limit_for_himself() {
    let more = "client_address: { trusted_proxies: [127.0.0.1] }";
    let stage = stage_with(
        &format!("{{ MaxInteractionsAllowedPerIP: 2, {WIDE} }}"),
        "",
        more,
    )
    .await;
    let mut number = 0;
    for (told, expected) in [
        ("192.0.2.7", true),
        ("203.0.113.9, 192.0.2.7", true),
        ("192.0.2.8, 192.0.2.7", false),
        ("::ffff:192.0.2.7", false),
        ("192.0.2.8", true),
        // IPv6 counts by /64.
        ("2001:db8::1", true),
        ("2001:db8::2", true),
        ("2001:db8::3", false),
        ("2001:db8:0:1::1", true),
    ] {
        number += 1;
        let client = match number % 2 {
            0 => stage.http1(1),
            _ => stage.http2(1).await,
        };
        let mut client = client.with("X-Forwarded-For", told);
        let start = format!("{A}/websvcs/chat/start");
        let answer = client.got("POST", &start, START).await;
        assert_eq!(answer.success().is_some(), expected, "{told}");
    }
}

#[tokio::test]
async fn a_refusal_speaks_the_language_of_the_request() {
    let stage = stage(&format!(
        "{{ MaxActiveChatsAllowed: 0, MaxActiveCallbacksAllowed: 0, {WIDE} }}"
    ))
    .await;
    let xml_body = "<chat><participant><name>Wally</name></participant><target>Sales</target><targetType>Workgroup</targetType></chat>";
    for (path, name) in [
        ("/websvcs/chat/start", "chat"),
        ("/websvcs/callback/create", "callback"),
    ] {
        for (media, accept, body, xml) in [
            ("application/json", "*/*", "{}", false),
            (
                "application/json; charset=utf-8; charset=UTF-8",
                "application/json; charset=utf-8",
                "{}",
                false,
            ),
            ("application/xml", "*/*", xml_body, true),
            ("text/xml; charset=utf-8", "application/xml", xml_body, true),
        ] {
            let mut client = Client::http1(&stage.edge, from(2))
                .with("Content-Type", media)
                .with("Accept", accept);
            let answer = client.got("POST", &format!("{A}{path}"), body).await;
            assert_eq!(answer.status, 200);
            let text = answer.text();
            if xml {
                assert!(text.contains(&format!("<{name}>")), "{media}: {text}");
                let read = loadtest::webtools::xml::read(&text).unwrap();
                assert_eq!(read["status"]["type"], "failure", "{media}: {text}");
                assert_eq!(read["status"]["reason"], "error.websvc.unavailable");
            } else {
                let expected = serde_json::json!({ name: { "status": { "type": "failure", "reason": "error.websvc.unavailable" } } });
                assert_eq!(answer.json(), expected, "{media}");
            }
        }
    }
    assert!(stage.pair.a.wire().recorder().all().is_empty());
}
