//! WebHTMLService through the gateway, beside ICWS on the same port of the same server.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Got};
use loadtest::webhtml::WebHtml;
use portcullis::kinds;

const SOON: Duration = Duration::from_secs(10);
const NAME: &str = "proxy.example.com";
const SERVICE: &str = "/I3Root/WebServices/Server1";

struct Stage {
    service: WebHtml,
    edge: Edge,
}

/// All kinds in front of one port, as it is on a CIC server.
async fn stage() -> Stage {
    let service = WebHtml::start().await.unwrap();
    let url = service.base_url();
    let yaml = format!(
        "servers:
  search1: {{ kind: webhtml, url: '{url}' }}
  hasty: {{ kind: webhtml, url: '{url}', timeouts: {{ response: 200ms }} }}
  icserver1: {{ kind: icws, url: '{url}' }}
  chat1: {{ kind: webtools, url: '{url}' }}
hosts:
  {NAME}:
    routes:
      - {{ path: {SERVICE}/, server: search1 }}
      - {{ path: /hasty/, server: hasty }}
      - {{ path: /I3Root/Server1/, server: chat1 }}
      - {{ path: '/api/{{server}}/', servers: [icserver1] }}
"
    );
    let edge = Edge::start(&yaml, &[NAME]).await.unwrap();
    Stage { service, edge }
}

impl Stage {
    async fn ask(&self, head: &str) -> Got {
        let request = format!("{head}\r\nHost: {NAME}\r\nConnection: close\r\n\r\n");
        Dial::plain(self.edge.plain())
            .send(request, SOON)
            .await
            .unwrap()
    }

    fn reached(&self) -> Vec<String> {
        let all = self.service.wire().recorder().all();
        all.iter().map(|seen| seen.target().to_owned()).collect()
    }
}

#[tokio::test]
async fn cgi_test_shows_what_the_cic_server_saw() {
    let stage = stage().await;
    let head = format!(
        "GET {SERVICE}/doHTMLRequest?event=CgiTest&one&a%2Fb HTTP/1.1\r\nUser-Agent: probe\r\nAccept: text/html"
    );
    let got = stage.ask(&head).await;
    assert_eq!(got.status(), Some(200));
    let text = got.text();
    let port = stage.service.wire().address().port();
    for line in [
        "Request Method:GET",
        "Script Name:doHTMLRequest",
        "Query String:event=CgiTest&one&a%2Fb",
        "Server Name:127.0.0.1",
        &format!("Server Port:{port}"),
        "Server Protocol:HTTP/1.1",
        "HTTP User agent:probe",
        "HTTP Accept:text/html",
        "Remote Address:127.0.0.1",
        "Arg 1:one",
        "Arg 2:a%2Fb",
    ] {
        assert!(text.lines().any(|got| got == line), "{line}: {text}");
    }
    let posted = stage
        .ask(&format!(
            "POST {SERVICE}/doHTMLRequest?event=CgiTest HTTP/1.1\r\nContent-Length: 0"
        ))
        .await;
    assert!(posted.text().contains("Request Method:POST"));
}

#[tokio::test]
async fn a_slow_handler_is_waited_for_where_others_would_have_given_up() {
    let patience = |kind| kinds::named(kind).unwrap().timeouts().response;
    // The vendor's sample sets WebCGIRequestTimeout to 300 s.
    assert!(patience("webhtml") > Duration::from_secs(300));
    assert!(patience("webhtml") > patience("icws") && patience("webhtml") > patience("http"));
    let stage = stage().await;
    stage.service.set_handler_time(Duration::from_secs(3_600));
    let slow = format!("GET {SERVICE}/doHTMLRequest?event=SlowReport HTTP/1.1");
    let report = stage.ask(&slow);
    let others = async {
        let given_up = stage
            .ask("GET /hasty/doHTMLRequest?event=SlowReport HTTP/1.1")
            .await;
        assert_eq!(given_up.status(), Some(504), "as its own server says");
        let recorder = stage.service.wire().recorder();
        recorder.wait_for_count(2, |_| true, SOON).await.unwrap();
        stage.service.set_handler_time(Duration::ZERO);
    };
    let (report, ()) = tokio::join!(report, others);
    assert_eq!(report.status(), Some(200));
    assert!(report.text().contains("The report is ready."));
}

#[tokio::test]
async fn a_page_passes_with_its_relative_links() {
    let stage = stage().await;
    let got = stage
        .ask(&format!(
            "GET {SERVICE}/doHTMLRequest?event=System_WebSearch HTTP/1.1"
        ))
        .await;
    assert!(got.text().contains("href=\"doHTMLRequest?event="));
    let unknown = stage
        .ask(&format!("GET {SERVICE}/doHTMLRequest?event=No HTTP/1.1"))
        .await;
    assert_eq!(unknown.status(), Some(404));
    assert!(unknown.text().contains("No handler"), "the server's own");
}

#[tokio::test]
async fn neither_kind_reaches_what_the_other_exposes() {
    let stage = stage().await;
    for path in ["/icws/connection", "/websvcs/chat/start", "/x", "/"] {
        let got = stage.ask(&format!("GET {SERVICE}{path} HTTP/1.1")).await;
        assert!(got.status().is_some());
    }
    for path in [
        "/../icws/connection",
        "/%2e%2e/icws/connection",
        "/..%2ficws/connection",
        "/%252e%252e/icws/connection",
        "/..;/icws/connection",
        "/..\\icws\\connection",
        "/..%5cicws",
        "/%c0%ae%c0%ae/icws",
        "/x/../../websvcs/chat/start",
        "//../icws",
    ] {
        let got = stage.ask(&format!("GET {SERVICE}{path} HTTP/1.1")).await;
        assert!(
            matches!(got.status(), Some(400 | 404)),
            "{path}: {:?}",
            got.status()
        );
    }
    for seen in stage.reached() {
        assert!(seen.starts_with("/WebHTMLService/"), "{seen}");
        let below = seen.trim_start_matches("/WebHTMLService");
        assert!(!below.contains(".."), "{seen}");
    }
    stage.service.wire().recorder().clear();
    for path in [
        "/api/icserver1/WebHTMLService/doHTMLRequest?event=CgiTest",
        "/api/icserver1/webhtmlservice/doHTMLRequest",
        "/api/icserver1/icws/../WebHTMLService/doHTMLRequest",
        "/api/icserver1/icws/%2e%2e/WebHTMLService/doHTMLRequest",
        "/api/icserver1/icws/..%2fWebHTMLService/doHTMLRequest",
        "/api/icserver1/icws/..;/WebHTMLService/doHTMLRequest",
        "/api/icserver1//WebHTMLService/doHTMLRequest",
        "/api/icserver1/%57ebHTMLService/doHTMLRequest",
        "/I3Root/Server1/WebHTMLService/doHTMLRequest",
        "/I3Root/Server1/websvcs/../WebHTMLService/doHTMLRequest",
        "/I3Root/WebServices/doHTMLRequest",
        "/WebHTMLService/doHTMLRequest",
    ] {
        let got = stage.ask(&format!("GET {path} HTTP/1.1")).await;
        assert!(
            matches!(got.status(), Some(400 | 404)),
            "{path}: {:?}",
            got.status()
        );
    }
    assert_eq!(stage.reached().len(), 0, "{:?}", stage.reached());
}

#[tokio::test]
async fn a_handler_is_a_program_and_is_never_run_twice() {
    let stage = stage().await;
    let head = format!("GET {SERVICE}/doHTMLRequest?event=CgiTest HTTP/1.1");
    assert_eq!(stage.ask(&head).await.status(), Some(200));
    let wire = stage.service.wire();
    wire.faults()
        .next("", 1, loadtest::wire::Fault::CloseBeforeHead);
    assert_eq!(stage.ask(&head).await.status(), Some(502));
    assert_eq!((wire.accepted(), stage.reached().len()), (1, 2));
}
