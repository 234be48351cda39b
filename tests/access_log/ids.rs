//! The request's id: whose word is believed, and who hears it.

use loadtest::rude::client::Dial;

use super::upstream::*;
use super::{LOG, so_many};

async fn told(trusted: &str, given: &str) -> (String, String, String) {
    let server = answering(None).await;
    let yaml = one_server("http", &format!("url: 'http://{}'", server.address()))
        + LOG
        + &format!("client_address: {{ trusted_proxies: [{trusted}] }}\n");
    let edge = edge(&yaml).await;
    let request = format!(
        "GET /one/ HTTP/1.1\r\nHost: {HOST}\r\nX-Request-ID: {given}\r\nConnection: close\r\n\r\n"
    );
    let got = Dial::plain(edge.plain()).send(request, SOON).await.unwrap();
    let back = header(&got, "x-request-id");
    assert_eq!(back.len(), 1, "{}", got.head());
    let line = &so_many(&edge, 1).await[0];
    let seen = server.recorder().all();
    (
        back[0].clone(),
        line["id"].as_str().unwrap().to_owned(),
        seen[0].header("x-request-id").unwrap(),
    )
}

#[tokio::test]
async fn a_trusted_proxys_id_goes_all_the_way_and_nobody_elses_does() {
    let given = "7f3a.proxy-1".to_owned();
    let (back, line, seen) = told("127.0.0.0/8", &given).await;
    assert_eq!(
        (back, line, seen),
        (given.clone(), given.clone(), given.clone())
    );
    for (trusted, given) in [("10.0.0.0/8", given.as_str()), ("127.0.0.0/8", "not an id")] {
        let (back, line, seen) = told(trusted, given).await;
        assert_eq!(back.len(), 16, "{back}");
        assert_eq!((&line, &seen), (&back, &back));
    }
}
