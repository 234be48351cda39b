//! What must not be in the file, wherever a client puts it; nor in the gateway's own log.

use loadtest::rude::client::Dial;

use super::upstream::*;
use super::{LOG, lines};

const SECRET: &str = "hunter2hunter2";

#[tokio::test]
async fn no_credential_of_a_request_is_in_the_file() {
    collect_log();
    let server = answering(None).await;
    let url = format!("url: 'http://{}'", server.address());
    let yaml = format!(
        "servers: {{ cic: {{ kind: icws, {url} }}, web: {{ kind: webtools, {url} }}, any: {{ kind: http, {url} }}, gone: {{ kind: webtools, url: 'http://127.0.0.77:9' }} }}\n\
         hosts: {{ {HOST}: {{ routes: [ {{ path: /us/cic/, server: cic }}, {{ path: /I3Root/Server1/, server: web }}, \
         {{ path: /I3Root/Server2/, server: gone }}, {{ path: /any/, server: any }} ] }} }}\n{LOG}"
    );
    let edge = edge(&yaml).await;
    let paths = [
        "/us/cic/icws/1/x?token=SECRET",
        "/us/cic/icws/web-chat/messages/SECRET",
        "/us/cic/icws/web-chat/SECRET",
        "/us/cic/icws/web-callback/status/SECRET",
        "/I3Root/Server1/websvcs/chat/poll/SECRET",
        "/I3Root/Server1/WEBSVCS/Chat/Exit/SECRET",
        "/I3Root/Server1/websvcs/chat/getfile/SECRET/SECRET/a",
        "/I3Root/Server1/websvcs/partyInfo/SECRET",
        "/I3Root/Server1/websvcs/chat/%70oll/SECRET",
        "/I3Root/Server1/%77ebsvcs/chat/poll/SECRET",
        "/I3Root/Server1/x/..%2fwebsvcs/chat/poll/SECRET",
        // A server that cannot be reached, a route that is not there, a host that is not: the own log has lines of these.
        "/I3Root/Server2/websvcs/chat/poll/SECRET",
        "/I3Root/Server3/websvcs/chat/poll/SECRET?SECRET",
        "/elsewhere;jsessionid=SECRET/x",
        "/any/x?SECRET",
    ];
    let mut sent = 0;
    for path in paths {
        for method in ["GET", "POST", "BREW"] {
            for host in [HOST, "other.example.com"] {
                let request = format!(
                    "{method} {path} HTTP/1.1\r\nHost: {host}\r\nCookie: icws_1=SECRET\r\nAuthorization: Bearer SECRET\r\n\
                     ININ-ICWS-CSRF-Token: SECRET\r\nX-Request-ID: SECRET\r\nReferer: https://a/?x=SECRET\r\n\
                     Connection: close\r\nContent-Length: 14\r\n\r\nSECRET"
                );
                let request = request.replace("SECRET", SECRET);
                Dial::plain(edge.plain()).send(request, SOON).await.unwrap();
                sent += 1;
            }
        }
    }
    until("all lines", async || lines(&edge).len() >= sent).await;
    let text = std::fs::read_to_string(edge.folder().join("access.log")).unwrap();
    let leak = text.lines().find(|line| line.contains(SECRET));
    assert_eq!(leak, None);
    assert!(text.contains("/I3Root/Server1/websvcs/chat/poll/***"));
    assert!(!logged("unknown_path").is_empty());
    assert_eq!(logged(SECRET), Vec::<String>::new());
}
