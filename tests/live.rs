//! `check --live` against simulated servers: what is good, and how each thing that is not is called.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;

use std::time::{Duration, SystemTime};

use loadtest::wire::{
    Authority, Identity, Record, Reply, Respond, Server, ServerOptions, ServerTls,
};
use support::{Ran, World};

/// What every file begins with.
const HEAD: &str =
    "listeners: [{ listen: 127.0.0.1:0 }]\nhosts: { a.example.com: { files: www } }\n";

/// A server that answers everything with `reply`.
async fn server(
    tls: Option<ServerTls>,
    reply: impl Fn(&Record) -> Reply + Send + Sync + 'static,
) -> Server {
    let options = ServerOptions {
        tls,
        ..ServerOptions::default()
    };
    Server::start(options, Respond(reply)).await.unwrap()
}

fn identity(world: &World) -> Identity {
    world.authority.issue(&["s.example.com"]).unwrap()
}

/// A certificate for `names` from a new authority, with its dates `from` and `until` days from now, and that authority.
fn dated(names: &[&str], from: i64, until: i64) -> (Identity, String) {
    let day = |days: i64| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seconds = now.unwrap().as_secs().saturating_add_signed(days * 86_400);
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
    };
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    (params.not_before, params.not_after) = (day(from), day(until));
    let certificate = params.self_signed(&key).unwrap();
    let identity = Identity {
        certificate_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    };
    let pem = identity.certificate_pem.clone();
    (identity, pem)
}

/// Runs `check --live` with these servers while they answer.
async fn look(world: World, servers: &str) -> Ran {
    look_at(world, &format!("{HEAD}servers:\n{servers}")).await
}

async fn look_at(world: World, text: &str) -> Ran {
    world.write("p.yaml", text);
    tokio::task::spawn_blocking(move || world.run(&["check", "--live", "-c", "p.yaml"]))
        .await
        .unwrap()
}

/// The lines about `server`, without what is said of the descriptors.
fn about<'r>(ran: &'r Ran, name: &str) -> Vec<&'r str> {
    ran.out.lines().filter(|line| line.contains(name)).collect()
}

/// Nothing has failed.
fn good(ran: &Ran) {
    assert!(!ran.out.contains("FAILED"), "{ran:?}");
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_as_they_should_be_are_good() {
    let world = World::new();
    let ic = server(Some(ServerTls::new(identity(&world))), |_| {
        Reply::new(200).body("{}")
    })
    .await;
    let chat = server(None, |_| Reply::new(200).body("{}")).await;
    let ran = look(world, &format!(
        "  ic: {{ kind: icws, url: 'https://{}', server_name: s.example.com, ca: tls/authority.pem }}\n  chat: {{ kind: webtools, url: 'http://{}' }}\n",
        ic.address(), chat.address()
    )).await;
    good(&ran);
    let lines = about(&ran, "ic: ");
    assert_eq!(
        lines[0],
        format!(
            "  ok   ic: https://{}/ is at {}",
            ic.address(),
            ic.address()
        ),
        "{ran:?}"
    );
    assert_eq!(
        lines[1],
        "  ok   ic: TLSv1.3, the certificate verifies for \"s.example.com\""
    );
    assert!(
        lines[2].starts_with("  ok   ic: its certificate is good until "),
        "{ran:?}"
    );
    assert_eq!(
        lines[3..],
        ["  ok   ic: GET /icws/connection/version answers 200"]
    );
    assert_eq!(
        about(&ran, "chat: ")[1],
        "  ok   chat: GET /websvcs/serverConfiguration answers 200"
    );
    assert_eq!(ic.recorder().all().len(), 1, "one harmless question");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_answers_503_stands_by() {
    let ic = server(None, |_| {
        Reply::new(503).body("{\"alternateHostList\":[\"a\"]}")
    })
    .await;
    let ran = look(
        World::new(),
        &format!("  ic: {{ kind: icws, url: 'http://{}' }}\n", ic.address()),
    )
    .await;
    good(&ran);
    assert!(
        ran.out.contains(
            "  ok   ic: GET /icws/connection/version answers 503: a backup that stands by\n"
        ),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_such_a_server_does_not_give_fails() {
    let ic = server(None, |_| Reply::new(404)).await;
    let ran = look(
        World::new(),
        &format!("  ic: {{ kind: icws, url: 'http://{}' }}\n", ic.address()),
    )
    .await;
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out
            .contains("FAILED ic: GET /icws/connection/version answers 404\n"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_another_authority_vouches_for_fails() {
    let world = World::new();
    let stranger = Authority::new("Somebody else").unwrap();
    let tls = ServerTls::new(stranger.issue(&["s.example.com"]).unwrap());
    let ic = server(Some(tls), |_| Reply::new(200)).await;
    let ran = look(world, &format!("  ic: {{ kind: icws, url: 'https://{}', server_name: s.example.com, ca: tls/authority.pem }}\n", ic.address())).await;
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("FAILED ic: its certificate for s.example.com does not verify for \"s.example.com\": unable to get local issuer certificate\n"),
        "{ran:?}"
    );
    assert!(
        ic.recorder().all().is_empty(),
        "nothing is asked of a stranger"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_fails() {
    let world = World::new();
    let ic = server(Some(ServerTls::new(identity(&world))), |_| Reply::new(200)).await;
    let ran = look(world, &format!("  ic: {{ kind: icws, url: 'https://{}', server_name: other.example.com, ca: tls/authority.pem }}\n", ic.address())).await;
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("FAILED ic: its certificate for s.example.com does not verify for \"other.example.com\": hostname mismatch\n"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_connections_fails() {
    // An address that nothing else here listens on.
    let port = 10_000 + std::process::id() % 10_000;
    let address: std::net::SocketAddr = format!("127.0.0.4:{port}").parse().unwrap();
    let ran = look(
        World::new(),
        &format!("  ic: {{ kind: icws, url: 'http://{address}' }}\n"),
    )
    .await;
    assert_eq!(ran.code, Some(1));
    let failed = about(&ran, "FAILED ic: ");
    assert!(
        failed[0].starts_with(&format!("FAILED ic: no connection to {address}: ")),
        "{ran:?}"
    );
    assert!(failed[0].contains("refused"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_resolve_fails() {
    let ran = look(
        World::new(),
        "  ic: { kind: icws, url: 'http://nowhere.invalid' }\n",
    )
    .await;
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out
            .contains("FAILED ic: the name in http://nowhere.invalid:8018/ does not resolve\n"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_fails() {
    for (seconds, is_off) in [(5, false), (600, true)] {
        for future in [false, true] {
            let ic = server(None, move |_| {
                let off = Duration::from_secs(seconds);
                let now = SystemTime::now();
                let theirs = if future { now + off } else { now - off };
                Reply::new(200).header("Date", httpdate::fmt_http_date(theirs))
            })
            .await;
            let ran = look(
                World::new(),
                &format!("  ic: {{ kind: icws, url: 'http://{}' }}\n", ic.address()),
            )
            .await;
            let clock = about(&ran, "its clock is ");
            assert_eq!(!clock.is_empty(), is_off, "{ran:?}");
            if is_off {
                assert_eq!(ran.code, Some(1));
                assert!(
                    clock[0].starts_with("FAILED ic: its clock is ")
                        && clock[0].ends_with(" s off ours: check NTP on both"),
                    "{ran:?}"
                );
            } else {
                good(&ran);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dates_of_a_servers_certificate_are_looked_at() {
    for (from, until, code, expected) in [
        (-10, 400, 0, "  ok   ic: its certificate is good until "),
        (-10, 20, 0, " SOON  ic: its certificate is good until "),
        (-10, -2, 1, "FAILED ic: its certificate expired on "),
        (2, 400, 1, "FAILED ic: its certificate is not valid before "),
    ] {
        let world = World::new();
        let (identity, pem) = dated(&["s.example.com"], from, until);
        world.write("tls/own.pem", &pem);
        let ic = server(Some(ServerTls::new(identity)), |_| Reply::new(200)).await;
        let ran = look(world, &format!("  ic: {{ kind: icws, url: 'https://{}', server_name: s.example.com, ca: tls/own.pem }}\n", ic.address())).await;
        assert!(ran.out.contains(expected), "{expected}: {ran:?}");
        match code {
            0 => good(&ran),
            code => assert_eq!(ran.code, Some(code), "{ran:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dates_of_a_listeners_certificate_are_looked_at() {
    for (from, until, expected) in [
        (
            -10,
            400,
            "  ok   the certificate tls/own.pem is good until ",
        ),
        (-10, 20, " SOON  the certificate tls/own.pem is good until "),
        (-10, -2, "FAILED the certificate tls/own.pem expired on "),
        (
            2,
            400,
            "FAILED the certificate tls/own.pem is not valid before ",
        ),
    ] {
        let world = World::new();
        let (identity, _) = dated(&["a.example.com"], from, until);
        world.write("tls/own.pem", &identity.certificate_pem);
        world.write("tls/own.key", &identity.key_pem);
        let text = "listeners: [{ listen: 127.0.0.1:0, tls: {} }]\ntls: { certificates: [{ cert: tls/own.pem, key: tls/own.key }] }\nhosts: { a.example.com: { files: www } }\n";
        let ran = look_at(world, text).await;
        assert!(ran.out.contains(expected), "{expected}: {ran:?}");
        if !expected.starts_with("FAILED") {
            good(&ran);
        } else {
            assert_eq!(ran.code, Some(1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_verified_is_pointed_out() {
    let stranger = Authority::new("Somebody else").unwrap();
    let ic = server(
        Some(ServerTls::new(stranger.issue(&["x"]).unwrap())),
        |_| Reply::new(200),
    )
    .await;
    let ran = look(
        World::new(),
        &format!(
            "  ic: {{ kind: icws, url: 'https://{}', insecure: true }}\n",
            ic.address()
        ),
    )
    .await;
    good(&ran);
    assert!(
        ran.out
            .contains(" SOON  ic: TLSv1.3, the certificate is NOT verified (insecure: true)\n"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stuck_in_tls_1_2_fails_where_the_file_asks_for_1_3() {
    let world = World::new();
    let mut tls = ServerTls::new(identity(&world));
    tls.only_tls12 = true;
    let ic = server(Some(tls), |_| Reply::new(200)).await;
    let ran = look(world, &format!("  ic: {{ kind: icws, url: 'https://{}', server_name: s.example.com, ca: tls/authority.pem, min_tls: '1.3' }}\n", ic.address())).await;
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out
            .contains("FAILED ic: speaks TLSv1.2, and the file asks for TLS 1.3 (`min_tls`)\n"),
        "{ran:?}"
    );
}

#[test]
fn a_low_limit_of_descriptors_is_the_shells_and_noted_with_what_to_set() {
    let world = World::new();
    world.write("p.yaml", HEAD);
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg("ulimit -n 256; exec \"$0\" check --live -c p.yaml")
        .arg(env!("CARGO_BIN_EXE_portcullis"))
        .current_dir(world.folder())
        .output()
        .unwrap();
    let ran = Ran::from(output);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let expected = " note  this shell may open 256 files; a gateway started from it has room for about 128 clients: `ulimit -n 65536`. Under systemd LimitNOFILE= of the unit counts instead\n";
    assert!(ran.out.contains(expected), "{ran:?}");
}

#[test]
fn findings_stay_out_of_the_file_that_show_prints() {
    let world = World::new();
    world.write("p.yaml", HEAD);
    let shown = world.run(&["check", "--show", "-c", "p.yaml"]);
    let looked = world.run(&["check", "--show", "--live", "-c", "p.yaml"]);
    assert_eq!(shown.out, looked.out);
    assert!(looked.err.contains("this shell may open"), "{looked:?}");
}
