//! WebHTMLService over the wire.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::time::Duration;

use loadtest::rude::client::Dial;
use loadtest::webhtml::WebHtml;

const DEADLINE: Duration = Duration::from_secs(10);

async fn get(service: &WebHtml, target: &str) -> String {
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: icserver1:8018\r\nUser-Agent: probe\r\nConnection: close\r\n\r\n"
    );
    let got = Dial::plain(service.wire().address())
        .send(request, DEADLINE)
        .await
        .unwrap();
    String::from_utf8(got.bytes).unwrap()
}

#[tokio::test]
async fn cgi_test_tells_which_host_port_and_peer_the_server_saw() {
    let service = WebHtml::start().await.unwrap();
    let answer = get(
        &service,
        "/WebHTMLService/doHTMLRequest?event=CgiTest&one&two",
    )
    .await;
    for line in [
        "Request Method:GET",
        "Script Name:doHTMLRequest",
        "Query String:event=CgiTest&one&two",
        "Server Name:icserver1",
        "Server Port:8018",
        "Server Protocol:HTTP/1.1",
        "HTTP User agent:probe",
        "Remote Address:127.0.0.1",
        "Arg 2:two",
        "Arg 3:",
    ] {
        assert!(
            answer.lines().any(|got| got == line),
            "{line} is missing in {answer}"
        );
    }
}

#[tokio::test]
async fn a_page_has_relative_links_and_an_unknown_event_is_404() {
    let service = WebHtml::start().await.unwrap();
    let page = get(
        &service,
        "/WebHTMLService/doHTMLRequest?event=System_WebSearch",
    )
    .await;
    assert!(
        page.contains("src=\"../img/available.gif\"")
            && page.contains("href=\"doHTMLRequest?event=")
    );
    for target in [
        "/WebHTMLService/doHTMLRequest?event=Nothing",
        "/WebHTMLService/",
        "/icws/connection",
    ] {
        assert!(
            get(&service, target).await.starts_with("HTTP/1.1 404 "),
            "{target}"
        );
    }
}

#[tokio::test]
async fn a_slow_handler_answers_when_its_time_has_come() {
    let service = WebHtml::start().await.unwrap();
    service.set_handler_time(Duration::from_secs(3600));
    let target = "/WebHTMLService/doHTMLRequest?event=SlowReport";
    let report = get(&service, target);
    let hurry = async {
        service
            .wire()
            .recorder()
            .wait_for(|record| record.target() == target, DEADLINE)
            .await
            .unwrap();
        assert!(service.wire().recorder().count(|record| record.answered) == 0);
        service.set_handler_time(Duration::ZERO);
    };
    let (report, ()) = tokio::join!(report, hurry);
    assert!(report.contains("The report is ready."));
}
