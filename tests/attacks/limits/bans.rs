//! Around a ban: connections that were open when it began, and a file that changes its mode while refusals rain.

use std::sync::Arc;

use loadtest::rude::client::{Ended, Line};
use loadtest::wire::{Exchange, Reply, Server, ServerOptions, Service};
use tokio::sync::Semaphore;

use super::super::http2;
use super::super::support::{SOON, no_panics, watch};
use super::{Edge, HOST, Stage, chats, file, from, get, stage, stage_of, until};

const DATA: u8 = 0;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;

/// A server that holds what asks for `held` until there is a permit.
struct Holding(Arc<Semaphore>);

impl Service for Holding {
    async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
        if exchange.request().target.contains("held") {
            let _permit = self.0.acquire().await.map_err(std::io::Error::other)?;
        }
        exchange.reply(Reply::new(200).body("ok")).await
    }
}

async fn holding() -> (Stage, Arc<Semaphore>) {
    watch();
    let held = Arc::new(Semaphore::new(0));
    let server = Server::start(ServerOptions::default(), Holding(held.clone()))
        .await
        .unwrap();
    let edge = Edge::start(&file(&server, "{}", ""), &[HOST])
        .await
        .unwrap();
    (Stage { edge, server }, held)
}

/// Kind, flags and stream of the next frame, and what is in it; `None` at the end.
async fn next(line: &mut Line) -> Option<(u8, u8, u32, Vec<u8>)> {
    let head = line.read_exactly(9, SOON).await.ok()?;
    let [a, b, c, kind, flags, s0, s1, s2, s3] = head[..].try_into().unwrap();
    let len = u32::from_be_bytes([0, a, b, c]) as usize;
    let payload = line.read_exactly(len, SOON).await.ok()?.to_vec();
    Some((kind, flags, u32::from_be_bytes([s0, s1, s2, s3]), payload))
}

async fn ask(line: &mut Line, stream: u32, path: &str) -> std::io::Result<()> {
    let list = http2::hpack(&http2::get(path.as_bytes()));
    let flags = http2::END_STREAM | http2::END_HEADERS;
    line.write(&http2::frame(http2::HEADERS, flags, stream, &list))
        .await
}

async fn ban(stage: &Stage, last: u8) {
    let body = format!(r#"{{"address": "127.0.0.{last}", "seconds": 600}}"#);
    let got = stage.admin("POST /api/bans", &body).await;
    assert_eq!(got.status(), Some(200), "{}", got.text());
}

#[tokio::test]
async fn an_http2_connection_of_a_banned_address_ends_after_what_is_under_way() {
    let (stage, held) = holding().await;
    let mut line = http2::open_from(&stage.edge, &[], from(2)).await;
    ask(&mut line, 1, "/web/held").await.unwrap();
    until("it is under way", async || {
        !stage.server.recorder().all().is_empty()
    })
    .await;
    ban(&stage, 2).await;
    ask(&mut line, 3, "/web/x").await.unwrap();
    let (mut told, mut refused, mut finished) = (false, false, false);
    while let Some((kind, flags, stream, payload)) = next(&mut line).await {
        match kind {
            PING if flags & ACK == 0 => {
                let ack = http2::frame(PING, ACK, 0, &payload);
                line.write(&ack).await.unwrap();
            }
            GOAWAY => {
                assert_eq!(payload[4..8], [0; 4], "a fault of nobody's");
                told = true;
            }
            DATA if stream == 3 && flags & http2::END_STREAM != 0 => refused = true,
            DATA if stream == 1 && payload.ends_with(b"ok") => finished = true,
            _ => {}
        }
        if told && refused {
            held.add_permits(1);
        }
    }
    assert!(refused && told, "refused: {refused}, told: {told}");
    assert!(finished, "what was under way was cut");
    assert_eq!(stage.server.recorder().all().len(), 1);
    assert_eq!(stage.refusals("banned", "enforce").await, 1.0);
    no_panics();
}

#[tokio::test]
async fn a_banned_client_that_ignores_the_goaway_is_ended_however_much_it_asks() {
    let (stage, _held) = holding().await;
    let mut line = http2::open_from(&stage.edge, &[], from(2)).await;
    // One is always open, so that the connection is never at rest.
    ask(&mut line, 1, "/web/held").await.unwrap();
    until("it is under way", async || {
        !stage.server.recorder().all().is_empty()
    })
    .await;
    ban(&stage, 2).await;
    let mut asked = 0;
    for stream in (3..).step_by(2) {
        if ask(&mut line, stream, "/web/x").await.is_err() || asked > 5000 {
            break;
        }
        asked += 1;
        // Refusals come back one by one: never more streams than allowed.
        until_refused(&mut line, stream).await;
    }
    assert!(asked < 1000, "{asked} requests after GOAWAY");
    no_panics();
}

/// Reads until this stream is over, or everything is.
async fn until_refused(line: &mut Line, stream: u32) {
    while let Some((_, flags, of, _)) = next(line).await {
        if of == stream && flags & http2::END_STREAM != 0 {
            return;
        }
    }
}

#[tokio::test]
async fn an_http1_connection_of_a_banned_address_ends_with_the_refusal_whatever_was_pipelined() {
    let (stage, _held) = holding().await;
    let mut line = loadtest::rude::client::Dial::plain(stage.edge.plain())
        .from(from(2))
        .open()
        .await
        .unwrap();
    let request = format!("GET /web/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    line.write(request.as_bytes()).await.unwrap();
    line.read_until(b"ok", SOON).await.unwrap();
    ban(&stage, 2).await;
    line.write(request.repeat(5).as_bytes()).await.unwrap();
    let (rest, ended) = line.read_to_end(SOON).await;
    let rest = String::from_utf8_lossy(&rest).into_owned();
    assert_ne!(ended, Ended::Open);
    assert_eq!(rest.matches("HTTP/1.1 ").count(), 1, "{rest}");
    assert!(rest.starts_with("HTTP/1.1 429 "), "{rest}");
    assert!(
        rest.to_ascii_lowercase().contains("connection: close"),
        "{rest}"
    );
}

const OBSERVE: &str = "{ ban: { refusals: 5, within: 1h, for: 1h, mode: observe } }";
const ENFORCE: &str = "{ ban: { refusals: 5, within: 1h, for: 1h } }";

impl Stage {
    async fn changes_to(&self, limits: &str) {
        let yaml = file(&self.server, limits, "");
        self.edge.reload(&yaml).await.unwrap();
    }

    /// The status of a GET by 127.0.0.`last`; 0: no answer.
    async fn asks(&self, last: u8, target: &str) -> u16 {
        let got = self.send(last, get(target, "")).await;
        got.and_then(|got| got.status()).unwrap_or(0)
    }

    /// Refusals of 127.0.0.`last` that count, once they are so many.
    async fn until_refusals(&self, last: u8, refusals: u64) {
        until("refusals are counted", async || {
            self.used(last).await["refusals"] == refusals
        })
        .await;
    }
}

#[tokio::test]
async fn a_ban_lets_everything_pass_under_observe_and_holds_again_under_enforce() {
    let stage = stage(ENFORCE, "").await;
    for _ in 0..5 {
        assert_eq!(stage.asks(2, "/nowhere").await, 404);
    }
    let began = async || !stage.used(2).await["banned"].is_null();
    until("the ban begins", began).await;
    assert_eq!(stage.asks(2, "/web/x").await, 0);
    let operator = r#"{"address": "127.0.0.3", "seconds": 600}"#;
    assert_eq!(
        stage.admin("POST /api/bans", operator).await.status(),
        Some(200)
    );
    for round in 0..4 {
        for milder in [OBSERVE, "{ mode: observe }", "{ ban: { mode: off } }"] {
            stage.changes_to(milder).await;
            let observed = stage.refusals("banned", "observe").await;
            assert_eq!(stage.asks(2, "/web/x").await, 200, "{round} {milder}");
            // Refusals go on, and lead to nothing: the ban that runs is not another one.
            for _ in 0..7 {
                assert_eq!(stage.asks(2, "/nowhere").await, 404, "{round} {milder}");
            }
            let told = stage.refusals("banned", "observe").await - observed;
            // Accepting the connection is counted, and so is the request.
            let expected = if milder.contains("off") { 0.0 } else { 16.0 };
            assert_eq!(told, expected, "{round} {milder}");
            assert_eq!(stage.asks(3, "/web/x").await, 0, "an operator's ban holds");
        }
        stage.changes_to(ENFORCE).await;
        assert_eq!(stage.asks(2, "/web/x").await, 0, "{round}");
        assert_eq!(stage.asks(3, "/web/x").await, 0, "{round}");
        assert_eq!(stage.asks(4, "/web/x").await, 200, "{round}");
    }
    no_panics();
}

#[tokio::test]
async fn refusals_that_were_only_observed_count_once_bans_are_enforced() {
    let stage = stage(OBSERVE, "").await;
    for _ in 0..9 {
        assert_eq!(stage.asks(2, "/nowhere").await, 404);
    }
    stage.until_refusals(2, 9).await;
    assert_eq!(stage.refusals("banned", "observe").await, 1.0);
    stage.changes_to(ENFORCE).await;
    // No ban without one more refusal: it is the refusal that bans.
    assert_eq!(stage.asks(2, "/web/x").await, 200);
    assert_eq!(stage.asks(2, "/nowhere").await, 404);
    until("the ban begins", async || {
        stage.asks(2, "/web/x").await == 0
    })
    .await;
    assert_eq!(stage.used(2).await["banned"]["cause"], "10 refusals");
}

#[tokio::test]
async fn a_mode_that_changes_under_a_rain_of_refusals_bans_who_is_refused_and_nobody_else() {
    let stage = Arc::new(stage_of(OBSERVE, "", chats()).await);
    let rain: Vec<_> = (10..14)
        .map(|last| {
            let stage = stage.clone();
            tokio::spawn(async move {
                let (mut passed, mut shut_out) = (0, 0);
                for _ in 0..150 {
                    match stage.asks(last, "/nowhere").await {
                        404 => passed += 1,
                        0 | 429 => shut_out += 1,
                        other => panic!("{other}"),
                    }
                }
                (passed, shut_out)
            })
        })
        .collect();
    let honest = {
        let stage = stage.clone();
        tokio::spawn(async move {
            for _ in 0..150 {
                assert_eq!(stage.asks(20, "/web/x").await, 200);
            }
        })
    };
    let mut round = 0;
    while !rain.iter().all(tokio::task::JoinHandle::is_finished) {
        round += 1;
        let limits = if round % 2 == 0 { OBSERVE } else { ENFORCE };
        stage.changes_to(limits).await;
    }
    honest.await.unwrap();
    for one in rain {
        one.await.unwrap();
    }
    // Whatever came last: under `observe` all of them pass, under `enforce` all of them are out.
    stage.changes_to(OBSERVE).await;
    for last in 10..14 {
        assert_eq!(stage.asks(last, "/web/x").await, 200);
    }
    stage.changes_to(ENFORCE).await;
    for last in 10..14 {
        stage.asks(last, "/nowhere").await;
        until("it is shut out", async || {
            stage.asks(last, "/web/x").await == 0
        })
        .await;
    }
    assert_eq!(stage.asks(20, "/web/x").await, 200);
    no_panics();
}
