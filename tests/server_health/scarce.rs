//! A gateway that has no descriptors left: it cannot ask its servers, and takes none of them for dead.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::inside::*;
use super::stage::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_cannot_be_asked_for_want_of_descriptors_stay_what_they_were() {
    let web = answering(None).await;
    let url = web.base_url();
    let rest = format!("kind: http, url: '{url}', health: {{ path: /, {QUICK}, fall: 3 }}");
    let edge = edge(&file(&[("web", &rest)])).await;
    wait_for(&edge, "web", "up").await;
    let before = getrlimit(Resource::Nofile);
    let none = Rlimit {
        current: Some(0),
        ..before
    };
    until("probes fail for want of descriptors", async || {
        setrlimit(Resource::Nofile, none).unwrap();
        // So that some probes fall into it; whoever wants to look needs descriptors as well.
        tokio::time::sleep(Duration::from_millis(500)).await;
        setrlimit(Resource::Nofile, before).unwrap();
        assert_eq!(health(&edge, "web").await, "up");
        probes(&edge, "web", "untried").await >= 6.0
    })
    .await;
    for blamed in ["connect", "broken", "unresolved"] {
        assert_eq!(probes(&edge, "web", blamed).await, 0.0, "{blamed}");
    }
}
