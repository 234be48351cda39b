//! Files on their way in: whole, streamed, and never taken for whole when they are not.

use loadtest::icws::Session;
use loadtest::rude::client::Dial;
use loadtest::wire::Record;
use serde_json::json;

use super::stage::{HOST, SOON, Stage, WAYS, Way, proofs};

#[tokio::test]
async fn ten_megabytes_go_up_and_come_down_whole() {
    const SIZE: u32 = 10_000_000;
    let stage = Stage::start().await;
    let file: Vec<u8> = (0..SIZE).map(|n| (n % 251) as u8).collect();
    let digest: String = openssl::sha::sha256(&file)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for way in WAYS {
        let (mut client, _) = stage.logged_in(way).await;
        for (path, status) in [
            ("interactions/1001/chat/send-file", 200),
            ("interactions/email/1001/attachments/file/upload", 202),
        ] {
            let mut answer = client
                .call_with("POST", path, &[], file.clone())
                .await
                .unwrap();
            assert_eq!(answer.status, status, "{way:?} {path}");
            let answer = answer.json().await.unwrap();
            assert_eq!(answer, json!({"size": SIZE, "sha256": digest}), "{way:?}");
        }
        let path = format!("simulate/download/{SIZE}");
        let mut down = client.call("GET", &path, None).await.unwrap();
        let bytes = down.raw().await.unwrap();
        assert_eq!(bytes.len(), SIZE as usize);
        assert!(
            bytes
                .iter()
                .zip(0_u32..)
                .all(|(&byte, n)| byte == n.to_le_bytes()[0])
        );
    }
}

/// An upload's head up to the fields that say how long it is.
fn upload(session: &Session) -> String {
    format!(
        "POST /us/icserver1/icws/{}/interactions/1/chat/send-file HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{}",
        session.id,
        proofs(session)
    )
}

#[tokio::test]
async fn an_upload_that_waits_for_100_gets_it() {
    let stage = Stage::start().await;
    let (_, session) = stage.logged_in(Way::Plain).await;
    let mut line = Dial::plain(stage.edge.plain()).open().await.unwrap();
    let head = format!(
        "{}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        upload(&session)
    );
    line.write(head.as_bytes()).await.unwrap();
    let interim = line.read_until(b"\r\n\r\n", SOON).await.unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100 "), "{interim:?}");
    line.write(b"hello").await.unwrap();
    let (answer, _) = line.read_to_end(SOON).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"size\":5,"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_upload_that_the_client_breaks_off_is_not_complete_at_the_server() {
    let stage = Stage::start().await;
    let (_, session) = stage.logged_in(Way::Plain).await;
    for (framing, sent) in [
        ("Content-Length: 1000", "x".repeat(500)),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n".to_owned()),
        ("Transfer-Encoding: chunked", "5\r\nhel".to_owned()),
    ] {
        for reset in [false, true] {
            let mut line = Dial::plain(stage.edge.plain()).open().await.unwrap();
            let request = format!("{}\r\n{framing}\r\n\r\n{sent}", upload(&session));
            line.write(request.as_bytes()).await.unwrap();
            let begun = |record: &Record| record.method() == "POST" && record.body_size > 0;
            let newest = |record: &Record| begun(record) && !record.over;
            let record = stage.recorder.wait_for(newest, SOON).await.unwrap();
            if reset {
                line.reset();
            } else {
                drop(line);
            }
            let over = |seen: &Record| seen.number == record.number && seen.over;
            let end = stage.recorder.wait_for(over, SOON).await.unwrap();
            assert!(!end.body_complete && end.status.is_none(), "{framing}");
        }
    }
}
