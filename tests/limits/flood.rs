//! A flood from ten thousand addresses, and the clients who behave meanwhile.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use loadtest::rude::client::Dial;

use super::support::*;

const ADDRESSES: u32 = 10_000;
/// Flooders at the same time.
const AT_ONCE: usize = 64;
/// What everybody may do; the flooders ask far more at once, and are banned for it.
const LIMITS: &str = "{ requests: { rate: 50/s, burst: 5 }, connections: 4, new_connections: { rate: 50/s, burst: 5 }, \
    ban: { refusals: 6, within: 10s, for: 1h } }";

/// Everybody in 10.0.0.0/8 behind the balancer.
fn flooder(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))
}

fn header(client: IpAddr) -> String {
    format!("PROXY TCP4 {client} 192.0.2.1 40000 80\r\n")
}

/// Asks at nine tenths of the rate until told to stop. Returns how many answers came, all of them 200.
async fn behave(dial: Dial, over: Arc<AtomicBool>) -> usize {
    let request = format!("GET /web/x HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    let mut pace = tokio::time::interval(Duration::from_micros(1_000_000 / 45));
    // After a delay of this machine's own it goes on evenly, instead of asking for the missed ones at once.
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut answers = 0;
    while !over.load(Ordering::Relaxed) {
        pace.tick().await;
        let got = dial.send(request.clone(), SOON).await;
        let status = got.as_ref().ok().and_then(|got| got.status());
        assert_eq!(status, Some(200), "after {answers} answers: {got:?}");
        answers += 1;
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_addresses_in_flood_are_refused_and_nobody_else_notices() {
    let trust = "client_address: { trusted_proxies: [127.0.0.1], proxy_protocol: accept }";
    let stage = Arc::new(stage_with(LIMITS, trust).await);
    let over = Arc::new(AtomicBool::new(false));
    let direct = Dial::plain(stage.edge.plain()).from(from(9));
    let behind = Dial::plain(stage.edge.plain())
        .from(from(1))
        .prelude(header("198.51.100.1".parse().unwrap()));
    let polite = [direct, behind].map(|dial| tokio::spawn(behave(dial, over.clone())));
    let (next, refused) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicUsize::new(0)));
    let flood: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (stage, next, refused) = (stage.clone(), next.clone(), refused.clone());
            tokio::spawn(async move {
                let request = format!("GET /nowhere HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= ADDRESSES {
                        return;
                    }
                    let dial = Dial::plain(stage.edge.plain())
                        .from(from(1))
                        .prelude(header(flooder(number)));
                    // The sixth refusal bans; the next one on this connection is told so and closes it.
                    let got = dial.send(request.repeat(8), SOON).await.unwrap();
                    let statuses = got.statuses();
                    assert_eq!(statuses.last(), Some(&429), "{number}: {statuses:?}");
                    refused.fetch_add(
                        statuses.iter().filter(|&&status| status == 429).count(),
                        Ordering::Relaxed,
                    );
                }
            })
        })
        .collect();
    for flooder in flood {
        flooder.await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    for polite in polite {
        let answers = polite.await.unwrap();
        assert!(
            answers >= 5,
            "only {answers} answers during the whole flood"
        );
    }
    assert!(refused.load(Ordering::Relaxed) >= ADDRESSES as usize);
    assert_eq!(
        metric(&stage.edge, "portcullis_bans", &[]).await,
        f64::from(2 * ADDRESSES)
    );
    let tracked = metric(&stage.edge, "portcullis_tracked_addresses", &[]).await;
    assert!(tracked >= f64::from(ADDRESSES), "{tracked}");
    // Banned ones are let go before their first request is read.
    let dial = Dial::plain(stage.edge.plain())
        .from(from(1))
        .prelude(header(flooder(7)));
    let got = dial
        .send(format!("GET /web/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"), SOON)
        .await;
    assert_eq!(got.ok().and_then(|got| got.status()), None);
    until("nothing is held open", async || {
        // The scrape itself is no client's connection.
        metric(&stage.edge, "portcullis_connections_open", &[]).await == 0.0
    })
    .await;
}
