use std::sync::atomic::Ordering;
use std::time::Duration;

use portcullis::reason::Reason;
use tokio::io::AsyncWriteExt;

use crate::support::*;

const GET: &str = "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";

#[tokio::test]
async fn a_connection_serves_requests_with_bodies_one_after_the_other() {
    let house = House::open(vec![plain()]).await;
    let mut client = house.connect().await;
    let mut ids = Vec::new();
    for body in ["one", "", "three"] {
        let length = body.len();
        let request = format!(
            "POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        client.write_all(request.as_bytes()).await.unwrap();
        let (head, echoed) = answer(&mut client).await;
        assert_eq!(echoed, body);
        ids.push(field(&head, "x-id"));
    }
    let chunked = "POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for _ in 0..2 {
        client.write_all(chunked.as_bytes()).await.unwrap();
        let (head, echoed) = answer(&mut client).await;
        assert_eq!(echoed, "abc");
        ids.push(field(&head, "x-id"));
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one connection");
    drop(client);
    house.emptied().await;
    assert!(house.refusals().is_empty());
}

#[tokio::test]
async fn the_connection_is_visible_to_the_app() {
    let house = House::open(vec![plain()]).await;
    let mut client = house.connect().await;
    client.write_all(GET.as_bytes()).await.unwrap();
    let (head, _) = answer(&mut client).await;
    let me = client.local_addr().unwrap().to_string();
    assert_eq!(field(&head, "x-peer"), me);
    assert_eq!(field(&head, "x-tcp-peer"), me);
    assert_eq!(field(&head, "x-client-addr"), me);
    assert_eq!(field(&head, "x-http2"), "false");
    assert_eq!(field(&head, "x-port"), house.address().port().to_string());
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_and_none_is_lost() {
    let house = House::open(vec![plain()]).await;
    let mut client = house.connect().await;
    let mut all = String::new();
    for n in 0..200 {
        all += &format!("POST /{n} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n{n:03}");
        all += &format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    client.write_all(all.as_bytes()).await.unwrap();
    for n in 0..200 {
        assert_eq!(answer(&mut client).await.1, format!("{n:03}"));
        assert_eq!(answer(&mut client).await.1, "");
    }
    let seen = house.app.targets.lock().unwrap().clone();
    let expected: Vec<_> = (0..200)
        .flat_map(|n| [format!("/{n}"), format!("/{n}")])
        .collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn however_the_bytes_arrive_the_answers_are_the_same() {
    let house = House::open(vec![plain()]).await;
    let requests = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
        GET http://a/2 HTTP/1.1\r\nHost: a\r\n\r\n\r\n\
        GET /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n\
        POST /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n\n\
        POST /5 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    for size in [1, 2, 3, 5, 17, 64, 1000] {
        let mut client = house.connect().await;
        client.set_nodelay(true).unwrap();
        for piece in requests.as_bytes().chunks(size) {
            client.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        for expected in ["hello", "", "", "\n", "hi"] {
            assert_eq!(answer(&mut client).await.1, expected, "pieces of {size}");
        }
        let targets = std::mem::take(&mut *house.app.targets.lock().unwrap());
        assert_eq!(targets, ["/1", "/2", "/3", "/4", "/5"], "pieces of {size}");
    }
}

#[tokio::test]
async fn a_request_behind_another_is_checked_like_the_first() {
    let house = House::open(vec![plain()]).await;
    let smuggled =
        "GET /evil HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    let got = house.ask(format!("{GET}{smuggled}")).await;
    assert!(got.starts_with("HTTP/1.1 200 "), "{got}");
    assert!(got.contains("HTTP/1.1 400 Bad Request\r\n"), "{got}");
    assert_eq!(*house.app.targets.lock().unwrap(), ["/a"]);
    assert_eq!(house.refusals(), [Reason::AmbiguousLength]);
}

#[tokio::test]
async fn an_absolute_target_reaches_the_app_in_origin_form() {
    let house = House::open(vec![plain()]).await;
    let mut client = house.connect().await;
    for target in [
        "http://a.example/x?y",
        "HTTP://A.EXAMPLE",
        "https://a.example?q=/",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        answer(&mut client).await;
    }
    assert_eq!(*house.app.targets.lock().unwrap(), ["/x?y", "/", "/?q=/"]);
}

#[tokio::test]
async fn one_empty_line_between_requests_is_forgiven_and_two_are_not() {
    let house = House::open(vec![plain()]).await;
    let mut client = house.connect().await;
    for _ in 0..2 {
        client
            .write_all(format!("\r\n{GET}").as_bytes())
            .await
            .unwrap();
        answer(&mut client).await;
    }
    let got = house.ask(format!("\r\n\r\n{GET}")).await;
    assert_eq!(status(&got), "400");
}

#[tokio::test]
async fn refusals_name_their_status_and_close() {
    let mut settings = plain();
    settings.head.size = 500;
    settings.head.fields = 5;
    let house = House::open(vec![settings]).await;
    let host = "Host: a.example\r\n";
    let many = "X: y\r\n".repeat(5);
    let long = "y".repeat(600);
    let table = [
        (
            format!("GET / HTTP/1.1\r\n{host}X: {long}\r\n\r\n"),
            "431",
            Reason::HeadTooLarge,
        ),
        (format!("GET /{long}"), "431", Reason::HeadTooLarge),
        (
            format!("GET / HTTP/1.1\r\n{host}{many}\r\n"),
            "431",
            Reason::TooManyFields,
        ),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "400", Reason::BadHost),
        (
            format!("GET / HTTP/1.1\n{host}\n"),
            "400",
            Reason::MalformedHead,
        ),
        ("GET /\r\n".to_owned(), "400", Reason::MalformedHead),
        (
            format!("GET / HTTP/1.1\r\n{host} fold\r\n\r\n"),
            "400",
            Reason::MalformedHead,
        ),
        (
            format!("TRACE / HTTP/1.1\r\n{host}\r\n"),
            "405",
            Reason::MethodNotAllowed,
        ),
        (
            "CONNECT a.example:443 HTTP/1.1\r\n\r\n".to_owned(),
            "405",
            Reason::MethodNotAllowed,
        ),
        (
            format!("get / HTTP/1.1\r\n{host}\r\n"),
            "405",
            Reason::MethodNotAllowed,
        ),
        (
            format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: gzip, chunked\r\n\r\n"),
            "501",
            Reason::TransferCoding,
        ),
        (
            format!("POST / HTTP/1.1\r\n{host}Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde"),
            "400",
            Reason::AmbiguousLength,
        ),
        (
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
            "505",
            Reason::Version,
        ),
        (
            format!("GET / HTTP/1.2\r\n{host}\r\n"),
            "505",
            Reason::Version,
        ),
    ];
    for (request, expected, reason) in table {
        let got = house.ask(&request).await;
        assert_eq!(status(&got), expected, "{request:?} {got}");
        assert_eq!(
            house.keeper.refused.lock().unwrap().pop(),
            Some(reason),
            "{request:?}"
        );
        let (head, body) = got.split_once("\r\n\r\n").unwrap();
        assert_eq!(field(head, "connection"), "close");
        assert_eq!(field(head, "content-length"), body.len().to_string());
        assert!(!head.to_ascii_lowercase().contains("server:"));
        assert_eq!(head.contains("Allow: GET, HEAD"), expected == "405");
    }
    house.emptied().await;
    assert_eq!(
        house.app.entered.load(Ordering::SeqCst),
        0,
        "none reached the app"
    );
}

#[tokio::test]
async fn the_answer_to_a_client_that_goes_on_sending_is_not_lost_to_a_reset() {
    let mut settings = plain();
    settings.head.size = 1000;
    let house = House::open(vec![settings]).await;
    let got = house
        .ask(format!("GET /{} HTTP/1.1\r\n", "x".repeat(300_000)))
        .await;
    assert_eq!(status(&got), "431");
}

#[tokio::test]
async fn tls_on_a_plain_port_is_refused_at_once() {
    let mut settings = plain();
    settings.head.within = PATIENCE * 2;
    let house = House::open(vec![settings]).await;
    let got = house.ask(b"\x16\x03\x01\x02\0\x01").await;
    assert_eq!(status(&got), "400");
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_without_an_answer() {
    let house = House::open(vec![plain()]).await;
    assert_eq!(house.ask("").await, "");
    assert_eq!(house.refusals(), [Reason::IdleConnection]);
    house.emptied().await;
}

#[tokio::test]
async fn half_a_head_is_answered_408() {
    let house = House::open(vec![plain()]).await;
    let got = house.ask("GET /a HTTP/1.1\r\nHost: a").await;
    assert_eq!(status(&got), "408");
    assert_eq!(house.refusals(), [Reason::HeadTimeout]);
}

/// Feeds a byte every 50 ms until the other side closes.
async fn drip(client: &mut tokio::net::TcpStream) {
    let closed = tokio::time::timeout(PATIENCE, async {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let mut byte = [0];
            let peeked =
                tokio::time::timeout(Duration::from_millis(1), client.peek(&mut byte)).await;
            if peeked.is_ok() || client.write_all(b"x").await.is_err() {
                return;
            }
        }
    });
    closed.await.expect("a dripped head ends at the deadline");
}

#[tokio::test]
async fn a_dripped_head_ends_at_the_deadline_on_the_first_and_on_a_later_request() {
    let house = House::open(vec![plain()]).await;
    let mut client = house.connect().await;
    client.write_all(b"GET /").await.unwrap();
    drip(&mut client).await;
    assert_eq!(status(&rest(&mut client).await), "408");

    let mut client = house.connect().await;
    client.write_all(GET.as_bytes()).await.unwrap();
    answer(&mut client).await;
    client.write_all(b"GET /").await.unwrap();
    drip(&mut client).await;
    assert_eq!(status(&rest(&mut client).await), "408");
    assert_eq!(house.refusals(), [Reason::HeadTimeout, Reason::HeadTimeout]);
}

#[tokio::test]
async fn an_idle_keep_alive_is_closed_and_counted_against_nobody() {
    let mut settings = plain();
    settings.keep_alive_idle = Duration::from_millis(200);
    let house = House::open(vec![settings]).await;
    let got = house.ask(GET).await;
    assert_eq!(status(&got), "200");
    house.emptied().await;
    assert!(house.refusals().is_empty());
}

#[tokio::test]
async fn a_connection_closes_after_its_share_of_requests() {
    let mut settings = plain();
    settings.keep_alive_requests = 2;
    let house = House::open(vec![settings]).await;
    let mut client = house.connect().await;
    client.write_all(GET.repeat(3).as_bytes()).await.unwrap();
    let (first, _) = answer(&mut client).await;
    assert_eq!(field(&first, "connection"), "keep-alive");
    let (second, _) = answer(&mut client).await;
    assert_eq!(field(&second, "connection"), "close");
    assert_eq!(rest(&mut client).await, "");
}

#[tokio::test]
async fn a_body_that_stops_ends_the_connection() {
    let house = House::open(vec![plain()]).await;
    house
        .ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        .await;
    house
        .ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
        .await;
    house.emptied().await;
    assert_eq!(house.app.served.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let house = House::open(vec![plain()]).await;
    let mut client = house.connect().await;
    client
        .write_all(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    until(|| house.app.entered.load(Ordering::SeqCst) == 1).await;
    house.emptied().await;
    assert_eq!(house.app.served.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_close_asked_for_by_the_client_is_honoured() {
    let house = House::open(vec![plain()]).await;
    let got = house
        .ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(status(&got), "200");
    let got = house.ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n").await;
    assert_eq!(status(&got), "200");
    house.emptied().await;
}

#[tokio::test]
async fn who_is_not_admitted_is_dropped_without_a_word() {
    let house = House::open(vec![plain()]).await;
    house
        .keeper
        .banned
        .lock()
        .unwrap()
        .push([127, 0, 0, 1].into());
    assert_eq!(house.ask(GET).await, "");
    assert_eq!(house.app.entered.load(Ordering::SeqCst), 0);
    assert!(house.refusals().is_empty(), "the keeper knows already");
}
