//! The listener of the real program: its log, its reports, and the process that takes over.

use loadtest::rude::client::Dial;
use rustix::process::Signal;

use super::commands::{Ground, file};
use super::gateway::{Gateway, until};
use super::stage::{OTHER_TOKEN, TOKEN, ask, bearer, field, sign_in, status};

#[tokio::test]
async fn neither_the_token_nor_a_wrong_one_is_in_any_log_report_or_page() {
    let ground = Ground::start("token: { file: token }");
    let dial = Dial::tls(ground.admin);
    let cookie = sign_in(&dial, TOKEN).await.unwrap();
    let id = cookie.trim().rsplit('=').next().unwrap().to_owned();
    let mut told = String::new();
    for (line, fields) in [
        ("GET /metrics", bearer(OTHER_TOKEN)),
        ("GET /metrics", bearer(TOKEN)),
        ("GET /api/reload", cookie.clone()),
        ("GET /sign-in", cookie.clone()),
    ] {
        told += &ask(&dial, line, &fields, "").await.text();
    }
    told += &sign_in(&dial, OTHER_TOKEN).await.unwrap_err().text();
    // Wrong in the file, another one, and in the file itself.
    ground.world.write("token", "hunter2\n");
    ground.gateway.signal(Signal::HUP);
    ground
        .gateway
        .wait_for("refused, the running configuration stays", 1);
    ground.world.write("token", OTHER_TOKEN);
    ground.gateway.signal(Signal::HUP);
    ground.gateway.wait_for("file token has new content", 1);
    let inside = file(ground.admin, &format!("token: {TOKEN}"));
    ground.world.write("p.yaml", &inside);
    ground.gateway.signal(Signal::HUP);
    ground
        .gateway
        .wait_for("refused, the running configuration stays", 2);
    told += &ask(&dial, "GET /api/reload", &bearer(OTHER_TOKEN), "")
        .await
        .text();
    told += &ground.world.run(&["check", "-c", "p.yaml"]).err;
    ground
        .world
        .write("p.yaml", &file(ground.admin, "token: { file: token }"));
    told += &ground.world.run(&["check", "--show", "-c", "p.yaml"]).out;
    assert!(told.contains("file: token"), "{told}");
    let log = ground.gateway.log();
    assert!(
        log.contains("was given a wrong token by 127.0.0.1"),
        "{log}"
    );
    for secret in [TOKEN, OTHER_TOKEN, "hunter2", &id] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
        assert!(!told.contains(secret), "{secret} is told:\n{told}");
    }
}

#[tokio::test]
async fn a_new_process_takes_the_listener_over_with_its_certificate_and_token() {
    let ground = Ground::start("token: { file: token }");
    let dial = Dial::tls(ground.admin);
    let socket = ground.world.folder().join("upgrade.sock");
    until("it waits for a successor", || socket.exists().then_some(())).unwrap();
    let take_over = ["run", "--take-over", "-c", "p.yaml"];
    let next = Gateway::run(&ground.world, &take_over, &[]);
    next.wait_for("metrics and health on https://", 1);
    let (ended, _) = ground.gateway.end();
    assert_eq!(ended.code(), Some(0));
    assert_eq!(status(&dial, "GET /metrics", "").await, 401);
    let got = ask(&dial, "GET /metrics", &bearer(TOKEN), "").await;
    assert_eq!(got.status(), Some(200));
    assert_eq!(field(&got, "cache-control").unwrap(), "no-store");
    assert!(got.text().contains("portcullis_config_generation 1"));
}

#[tokio::test]
async fn a_token_of_the_environment_takes_the_place_of_one_in_a_file_by_a_reload() {
    let environment = [("OPERATORS_TOKEN", OTHER_TOKEN)];
    let ground = Ground::within("token: { file: token }", &environment);
    let dial = Dial::tls(ground.admin);
    assert_eq!(status(&dial, "GET /metrics", &bearer(TOKEN)).await, 200);
    let text = file(ground.admin, "token: { env: OPERATORS_TOKEN }");
    ground.world.write("p.yaml", &text);
    ground.gateway.signal(Signal::HUP);
    ground.gateway.wait_for("the configuration was applied", 1);
    let told = "admin.token.env added: OPERATORS_TOKEN";
    assert_eq!(ground.gateway.said(told), 1, "{}", ground.gateway.log());
    assert_eq!(status(&dial, "GET /metrics", &bearer(TOKEN)).await, 401);
    assert_eq!(
        status(&dial, "GET /metrics", &bearer(OTHER_TOKEN)).await,
        200
    );
}
