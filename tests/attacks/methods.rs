//! A method by another name: fields that frameworks take the method from pass no list of methods.

use super::support::*;

const MORE: &[&str] = &[
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "X_HTTP_Method_Override",
    "X-HTTP_Method-Override",
    "X.HTTP.Method.Override",
];

/// A gateway before this server, with these routes to it.
async fn routes(routes: &str) -> Stage {
    let stage = stage(ok).await;
    let address = stage.server.address();
    let yaml = format!(
        "servers: {{ s: {{ kind: http, url: 'http://{address}' }} }}\nhosts: {{ proxy.example.com: {{ routes: [ {routes} ] }} }}\n"
    );
    stage.edge.reload(&yaml).await.unwrap();
    stage
}

#[tokio::test]
async fn where_methods_are_listed_no_field_names_another_one() {
    let stage =
        routes("{ path: /ro/, server: s, methods: [GET] }, { path: /all/, server: s }").await;
    for (target, passes) in [("/ro/x", false), ("/all/x", true)] {
        for name in MORE {
            let got = stage.get(target, &format!("{name}: DELETE\r\n")).await;
            assert_eq!(got.status(), Some(200), "{target} {name}");
            let seen = stage.seen().pop().unwrap();
            assert_eq!(seen.header(name).is_some(), passes, "{target} {name}");
        }
    }
}

#[tokio::test]
async fn who_may_get_may_ask_for_the_head() {
    let stage = routes(
        "{ path: /ro/, server: s, methods: [GET] }, { path: /post/, server: s, methods: [POST] }",
    )
    .await;
    for (line, status, allow) in [
        ("HEAD /ro/x", 200, None),
        ("DELETE /ro/x", 405, Some("GET, HEAD")),
        ("HEAD /post/x", 405, Some("POST")),
    ] {
        let request =
            format!("{line} HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: close\r\n\r\n");
        let got = stage.send(request, SOON).await;
        assert_eq!(got.status(), Some(status), "{line}");
        assert_eq!(header(&got, "allow").first().map(String::as_str), allow);
    }
}
