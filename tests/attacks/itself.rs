//! A server of the file that is the gateway itself: nobody comes through a route to the admin listener, and no request goes in circles.

use super::support::*;

#[tokio::test]
async fn no_route_leads_to_the_admin_listener_or_back_to_the_gateway() {
    let stage = stage(ok).await;
    let (admin, public) = (stage.edge.admin(), stage.edge.plain());
    // The file of a test leaves the ports to the system, so only the sockets tell what the servers are.
    for address in [
        admin.to_string(),
        public.to_string(),
        format!("localhost:{}", admin.port()),
        format!("0.0.0.0:{}", admin.port()),
    ] {
        let yaml = format!(
            "servers: {{ self: {{ kind: http, url: 'http://{address}', health: off, timeouts: {{ connect: 1s }} }} }}\n\
             hosts: {{ proxy.example.com: {{ server: self }} }}\n"
        );
        stage.edge.reload(&yaml).await.unwrap();
        for target in ["/metrics", "/api/users", "/healthz"] {
            let got = stage.get(target, "").await;
            assert_eq!(got.status(), Some(502), "{address}{target}: {}", got.text());
        }
        let told = logged("self is the gateway itself, at ");
        assert!(!told.is_empty(), "{address}");
    }
    assert!(stage.seen().is_empty());
    stage.nothing_leaks().await;
}
