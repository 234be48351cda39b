//! The access log at a syslog receiver, over each transport: what comes is right, whole and nobody's secret.

use loadtest::edge::Edge;
use loadtest::wire::Authority;
use serde_json::Value;
use syslog_rfc5424::message::ProcId;
use syslog_rfc5424::{SyslogFacility, SyslogSeverity};

use super::lines;
use super::receiver::Receiver;
use super::upstream::*;

pub const ANY: &str = "127.0.0.1:0";

/// A file with one server that answers everything, and this access log.
pub async fn file(access: &str) -> (loadtest::wire::Server, String) {
    let server = answering(None).await;
    let rest = format!("url: 'http://{}'", server.address());
    let yaml = one_server("http", &rest) + &format!("log: {{ access: {access} }}\n");
    (server, yaml)
}

pub async fn ask_for(edge: &Edge, numbers: std::ops::Range<usize>) {
    for number in numbers {
        assert_eq!(get(edge, &path(number)).await.status(), Some(200));
    }
}

pub fn path(number: usize) -> String {
    format!("/one/{number}")
}

pub fn paths(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(path).collect()
}

#[tokio::test]
async fn each_line_is_one_datagram_of_rfc_5424_and_the_same_as_in_the_file() {
    let receiver = Receiver::udp(ANY).await;
    let to = receiver.address;
    let (_server, yaml) = file(&format!(
        "{{ file: access.log, syslog: {{ to: 'udp://{to}', facility: local4, app_name: edge-1 }} }}"
    ))
    .await;
    let edge = edge(&yaml).await;
    ask_for(&edge, 0..20).await;
    receiver.has(20).await;
    until("all lines", async || lines(&edge).len() == 20).await;
    let messages = receiver.messages();
    for (message, line) in messages.iter().zip(lines(&edge)) {
        let told: Value = serde_json::from_str(&message.msg).unwrap();
        assert_eq!(told, line);
        assert_eq!(message.facility, SyslogFacility::LOG_LOCAL4);
        assert_eq!(message.severity, SyslogSeverity::SEV_INFO);
        assert_eq!((message.version, message.sd.len()), (1, 0));
        assert_eq!(message.appname.as_deref(), Some("edge-1"));
        assert_eq!(message.msgid.as_deref(), Some("access"));
        let process = i32::try_from(std::process::id()).unwrap();
        assert_eq!(message.procid, Some(ProcId::PID(process)));
        let name = rustix::system::uname()
            .nodename()
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(message.hostname, Some(name));
        // By the moment of the line, whenever it is sent.
        let millisecond = message.timestamp_nanos.unwrap() / 1_000_000;
        let time = line["time"].as_str().unwrap();
        assert!(
            time.ends_with(&format!(".{millisecond:03}Z")),
            "{time} {message:?}"
        );
    }
}

#[tokio::test]
async fn over_tcp_each_message_has_its_length_before_it_and_they_come_in_order() {
    let receiver = Receiver::tcp(ANY).await;
    let to = receiver.address;
    let (_server, yaml) = file(&format!("{{ syslog: {{ to: 'tcp://{to}' }} }}")).await;
    let edge = edge(&yaml).await;
    ask_for(&edge, 0..200).await;
    receiver.has(200).await;
    assert_eq!(receiver.paths(), paths(0..200));
    assert!(!edge.folder().join("access.log").exists());
}

#[tokio::test]
async fn a_receiver_has_a_format_of_its_own() {
    let receiver = Receiver::udp(ANY).await;
    let to = receiver.address;
    let access =
        format!("{{ file: access.log, syslog: {{ to: 'udp://{to}', format: combined }} }}");
    let (_server, yaml) = file(&access).await;
    let edge = edge(&yaml).await;
    get(&edge, "/one/x").await;
    receiver.has(1).await;
    let line = receiver.messages().remove(0).msg;
    assert!(line.starts_with("127.0.0.1 - - ["), "{line}");
    assert!(
        line.ends_with(r#""GET /one/x HTTP/1.1" 200 2 "-" "-""#),
        "{line}"
    );
    until("JSON in the file", async || lines(&edge).len() == 1).await;
}

#[tokio::test]
async fn over_tls_the_receiver_is_verified_by_authority_and_by_name_or_address() {
    collect_log();
    let authority = Authority::new("Authority of logs").unwrap();
    let named = authority.issue(&["logs.example.com"]).unwrap();
    let addressed = authority.issue(&["127.0.0.1"]).unwrap();
    for (identity, more, verifies) in [
        (&named, "ca: logs.pem, server_name: logs.example.com", true),
        (&addressed, "ca: logs.pem", true),
        (
            &named,
            "ca: logs.pem, server_name: other.example.com",
            false,
        ),
        (&named, "ca: logs.pem", false),
        (
            &named,
            "ca: authority.pem, server_name: logs.example.com",
            false,
        ),
        (&named, "server_name: logs.example.com", false),
    ] {
        let receiver = Receiver::tls(ANY, identity).await;
        let to = receiver.address;
        let (_server, yaml) = file(&format!("{{ syslog: {{ to: 'tls://{to}', {more} }} }}")).await;
        let edge = Edge::with(&yaml, &[HOST], |folder| {
            std::fs::write(folder.join("logs.pem"), authority.pem())
        });
        let edge = edge.await.unwrap();
        ask_for(&edge, 0..3).await;
        if verifies {
            receiver.has(3).await;
            assert_eq!(receiver.paths(), paths(0..3), "{more}");
        } else {
            let line = log_line(&format!("tls://{to}")).await;
            assert!(
                line.contains("certificate does not verify"),
                "{more}: {line}"
            );
            assert!(receiver.messages().is_empty(), "{more}");
        }
    }
}

#[tokio::test]
async fn a_receiver_hears_no_secret_either() {
    const SECRET: &str = "hunter2hunter2";
    let receiver = Receiver::udp(ANY).await;
    let to = receiver.address;
    let (_server, yaml) = file(&format!("{{ syslog: {{ to: 'udp://{to}' }} }}")).await;
    let edge = edge(&yaml).await;
    let paths = [
        "/one/x?token=SECRET",
        "/x/websvcs/chat/poll/SECRET",
        "/x/icws/web-chat/SECRET",
        "/one/x;jsessionid=SECRET",
    ];
    for path in paths {
        let fields =
            "Cookie: a=SECRET\r\nAuthorization: Bearer SECRET\r\nReferer: https://a/?SECRET";
        let head = format!("GET {path} HTTP/1.1\r\n{fields}").replace("SECRET", SECRET);
        ask(&edge, &head, "").await;
    }
    receiver.has(paths.len()).await;
    for message in receiver.messages() {
        assert!(!message.msg.contains(SECRET), "{}", message.msg);
    }
}
