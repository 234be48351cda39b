use std::sync::Arc;

use arc_swap::ArcSwap;

use super::*;
use crate::config;
use crate::diagnostic::Source;
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;

#[tokio::test]
async fn what_asks_for_nothing_on_loopback_lets_nobody_in_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let text = "listeners: [{ listen: 127.0.0.1:0 }]\nhosts: { a.example.com: { files: . } }\n";
    let config = config::parse(&Source::new("p.yaml", folder.path(), text)).unwrap();
    let runtime = Arc::new(Runtime::new());
    let snapshot = Snapshot::compile(&config, &runtime).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let gateway = Gateway::new(Arc::new(ArcSwap::from_pointee(snapshot)), runtime);
    for (local, is_let_in) in [
        ("127.0.0.1:9145", true),
        ("[::1]:9145", true),
        ("[::ffff:127.0.0.1]:9145", true),
        // A connection to the address before the reload that took the listener back to loopback.
        ("192.0.2.1:9145", false),
        ("[2001:db8::1]:9145", false),
    ] {
        let arrival = Arrival {
            peer: "198.51.100.7:50000".parse().unwrap(),
            local: local.parse().unwrap(),
            tls: true,
            vouched: None,
        };
        let pass = of(&gateway, &arrival, &HeaderMap::new());
        assert_eq!(pass.is_ok(), is_let_in, "{local}");
    }
}
