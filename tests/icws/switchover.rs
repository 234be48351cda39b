//! Clients are sent on by 503 and `alternateHostList`: the answer passes as it is, the hop works, and a dead end is logged by name.

use std::sync::{Mutex, OnceLock, PoisonError};

use loadtest::icws::{Behaviour, ClientError, IcwsClient, Role};
use serde_json::{Value, json};

use super::stage::{HOST, Stage, WAYS, Way, header};

const BY_NAME: &str = "/apps/client/api/{host}";

fn sends_to(behaviour: &mut Behaviour, role: Role, names: &[&str]) {
    behaviour.role = role;
    behaviour.alternates = names.iter().map(|&name| name.to_owned()).collect();
}

/// The lines that the gateways of this process have logged as warnings.
struct Warnings(Mutex<Vec<String>>);

impl Warnings {
    fn listen() -> &'static Warnings {
        static WARNINGS: OnceLock<Warnings> = OnceLock::new();
        let warnings = WARNINGS.get_or_init(|| Warnings(Mutex::default()));
        if log::set_logger(warnings).is_ok() {
            log::set_max_level(log::LevelFilter::Warn);
        }
        warnings
    }

    fn naming(&self, name: &str) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let naming = lines.iter().filter(|line| line.contains(name));
        naming.cloned().collect()
    }
}

impl log::Log for Warnings {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("portcullis")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

#[tokio::test]
async fn a_client_is_sent_from_the_backup_to_the_primary_to_the_off_server_session_manager() {
    let stage = Stage::with(|name, behaviour| match name {
        "icserver2" => sends_to(behaviour, Role::Backup, &["icserver1"]),
        "icserver1" => sends_to(behaviour, Role::OnServerWithOssm, &["OSSM1", "icserver2"]),
        _ => sends_to(behaviour, Role::OffServer, &[]),
    })
    .await;
    // The off-server session manager speaks TLS, and its Secure cookie would not come back over plain HTTP.
    for way in [Way::Tls, Way::Http2] {
        let mut client = stage.client(way, HOST, BY_NAME);
        let login = client
            .login("icserver2", "agent1", "secret1")
            .await
            .unwrap();
        assert_eq!(login.hops, ["icserver2", "icserver1", "OSSM1"]);
        assert_eq!(login.body["icServer"], "ossm1");
        assert_eq!(
            client.location().unwrap(),
            format!(
                "https://{HOST}/apps/client/api/OSSM1/icws/{}/connection",
                client.session_id().unwrap()
            )
        );
        assert_eq!(
            client.call("GET", "connection", None).await.unwrap().status,
            200
        );
        client.logout().await.unwrap();
    }
}

#[tokio::test]
async fn a_switchover_swaps_the_pair_under_routes_of_one_server_each() {
    let stage = Stage::with(|name, behaviour| {
        if name == "icserver2" {
            sends_to(behaviour, Role::Backup, &["icserver1"]);
        }
    })
    .await;
    for way in WAYS {
        for (primary, backup) in [("icserver1", "icserver2"), ("icserver2", "icserver1")] {
            stage
                .server(primary)
                .change(|b| sends_to(b, Role::Primary, &[backup]));
            stage
                .server(backup)
                .change(|b| sends_to(b, Role::Backup, &[primary]));
            let mut client = stage.client(way, HOST, "/us/{host}");
            let login = client.login(backup, "agent1", "secret1").await.unwrap();
            assert_eq!(login.hops, [backup, primary], "{way:?}");
            assert_eq!(login.body["alternateHostList"], json!([backup]));
            client.logout().await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_503_passes_to_the_byte_with_its_headers() {
    let stage = Stage::with(|_, behaviour| {
        sends_to(behaviour, Role::Backup, &["icserver2", "ossm1"]);
    })
    .await;
    let head =
        |path: &str| format!("POST {path} HTTP/1.1\r\nAccept-Language: en-us\r\nContent-Length: 2");
    for switchover in [false, true] {
        stage.icserver1().change(|b| b.switchover = switchover);
        let direct = stage.ask_directly(&head("/icws/connection"), "{}").await;
        assert_eq!(direct.status(), Some(503));
        for prefix in ["/us/icserver1", "/apps/client/api/icserver1"] {
            let path = format!("{prefix}/icws/connection");
            let through = stage.ask(&head(&path), "{}").await;
            assert_eq!(through.status(), Some(503));
            assert_eq!(through.body(), direct.body());
            assert_eq!(
                header(&through, "content-type"),
                header(&direct, "content-type")
            );
        }
    }
}

#[tokio::test]
async fn a_name_that_the_route_does_not_have_is_logged_and_a_dead_end_in_icws_words() {
    let warnings = Warnings::listen();
    let stage = Stage::with(|name, behaviour| match name {
        "icserver1" => sends_to(behaviour, Role::Backup, &["stranger7.corp.local"]),
        _ => sends_to(behaviour, Role::Primary, &["stranger8", "ICSERVER1"]),
    })
    .await;
    for way in WAYS {
        let mut client = stage.client(way, HOST, BY_NAME);
        let ClientError::Status(404, text) = client
            .login("icserver1", "agent1", "secret1")
            .await
            .unwrap_err()
        else {
            panic!("{way:?}: no 404");
        };
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["errorId"], "error.gateway.unknown_server", "{way:?}");
        let url = format!(
            "{}://{HOST}/apps/client/api/stranger7.corp.local/icws/connection",
            way.scheme()
        );
        let answer = client.post(&url, &[], b"{}".to_vec()).await.unwrap();
        assert_eq!(
            (answer.status, answer.header("content-type").unwrap()),
            (
                404,
                "application/vnd.inin.icws+JSON; charset=utf-8".to_owned()
            )
        );
        assert_eq!(answer.header("www-authenticate"), None);
    }
    let logged = warnings.naming("stranger7.corp.local");
    assert_eq!(
        logged.len(),
        1,
        "said once, however often the server says it: {logged:?}"
    );
    assert!(
        logged[0].contains("icserver1") && logged[0].contains("/apps/client/api/{server}/"),
        "{logged:?}"
    );
    // The list on a 201 counts too, and a name that is known in another case is known.
    let mut client = stage.client(Way::Http2, HOST, BY_NAME);
    client
        .login("icserver2", "agent1", "secret1")
        .await
        .unwrap();
    let logged = warnings.naming("stranger8");
    assert_eq!(logged.len(), 1, "{logged:?}");
    assert!(!logged[0].contains("ICSERVER1"));
}

#[tokio::test]
async fn a_name_that_a_sibling_route_has_is_no_dead_end() {
    let warnings = Warnings::listen();
    let stage = Stage::with(|name, behaviour| match name {
        "icserver1" => sends_to(behaviour, Role::Backup, &["icserver2", "stranger9"]),
        _ => sends_to(behaviour, Role::Primary, &[]),
    })
    .await;
    let mut client: IcwsClient = stage.client(Way::Http2, HOST, "/us/{host}");
    let login = client
        .login("icserver1", "agent1", "secret1")
        .await
        .unwrap();
    assert_eq!(login.hops, ["icserver1", "icserver2"]);
    assert_eq!(warnings.naming("stranger9").len(), 1);
    let about_the_sibling = warnings.naming("clients to \"icserver2\"");
    assert!(about_the_sibling.is_empty(), "{about_the_sibling:?}");
}
