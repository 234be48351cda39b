//! Clients that are slow before TLS is there.

use loadtest::rude::client::{Dial, Ended};
use std::time::Duration;

use crate::support::*;

#[tokio::test]
async fn a_handshake_that_does_not_come_to_its_end_is_ended_and_counted() {
    let stage = stage(SHORT).await;
    // A record of a ClientHello that says it has 512 bytes.
    let hello = [&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3][..], &[0; 400]].concat();
    let dial = Dial::plain(stage.edge.https());
    let drip = dial.clone().drip(1, Duration::from_millis(20));
    for (dial, bytes, reason) in [
        (&dial, &b""[..], "idle_connection"),
        (&dial, &hello[..1], "tls_handshake"),
        (&dial, &hello, "tls_handshake"),
        (&drip, &hello, "tls_handshake"),
    ] {
        let before = stage.refused(reason).await;
        let got = dial.send(bytes.to_vec(), SOON).await.unwrap();
        assert!(matches!(got.ended, Ended::Closed | Ended::Reset), "{got:?}");
        assert!(got.took >= DEADLINE, "{:?}", got.took);
        assert!(got.bytes.is_empty(), "{}", got.text());
        stage.until_refused(reason, before + 1).await;
        stage.serves_others().await;
    }
}
