//! The conversation, with both ends in one process.

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::*;
use crate::limits::{Clock, Limits};

fn folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("upgrade.sock");
    (folder, path)
}

async fn socket() -> (SocketAddr, OwnedFd) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let listener = listener.into_std().expect("a socket");
    (address, listener.into())
}

fn banned() -> Limits {
    let limits = Limits::new();
    let address = "192.0.2.7".parse().expect("an address");
    let hour = Duration::from_secs(3600);
    limits.table.ban(address, hour, Clock::now()).expect("room");
    limits
}

#[tokio::test]
async fn sockets_and_bans_pass_and_the_old_process_reports_until_it_ends() {
    let (_folder, path) = folder();
    let offer = Offer::open(&path).await.expect("waits");
    let mode = std::fs::metadata(&path)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut sockets = Vec::new();
    // More than go into one message.
    for _ in 0..150 {
        sockets.push(socket().await);
    }
    let addresses: Vec<SocketAddr> = sockets.iter().map(|(address, _)| *address).collect();
    let admin = socket().await;
    let admin_address = admin.0;
    let old = tokio::spawn(async move {
        let limits = banned();
        let mut successor = offer.accept().await;
        let key = limits.interactions.key();
        successor.introduced().await?;
        successor.greet(sockets, admin, key).await?;
        successor.ready().await?;
        successor
            .serving(&Heritage::of(&limits, &People::new()))
            .await?;
        assert!(successor.report(3).await);
        Ok::<_, Failed>(())
    });
    let mut new = Predecessor::meet(&path).await.expect("is greeted");
    assert_eq!(new.pid(), std::process::id());
    let inherited = new.take_sockets();
    assert_eq!(inherited.len(), addresses.len());
    for ((address, socket), expected) in inherited.into_iter().zip(&addresses) {
        let socket = std::net::TcpListener::from(socket);
        assert_eq!(
            (address, socket.local_addr().expect("bound")),
            (*expected, *expected)
        );
    }
    assert!(
        new.take_admin(addresses[0]).is_none(),
        "the file has another one"
    );
    assert!(new.take_admin(admin_address).is_some());
    let limits = Limits::with(interactions::Interactions::after(&new.key()));
    let people = People::under(&new.key());
    let heritage = new.release().await.expect("is told");
    assert_eq!(heritage.restore(&limits, &people), 1);
    let mut remains = new.serving().await.expect("has the last word");
    assert_eq!(remains.report().await, Some(3));
    assert_eq!(remains.report().await, None);
    old.await.expect("ran").expect("handed over");
}

#[tokio::test]
async fn a_successor_that_goes_away_at_any_step_leaves_an_error_behind() {
    for steps in 0..3 {
        let (_folder, path) = folder();
        let offer = Offer::open(&path).await.expect("waits");
        let old = tokio::spawn(async move {
            let limits = banned();
            let mut successor = offer.accept().await;
            let key = limits.interactions.key();
            successor.introduced().await?;
            successor
                .greet(vec![socket().await], socket().await, key)
                .await?;
            successor.ready().await?;
            successor
                .serving(&Heritage::of(&limits, &People::new()))
                .await
        });
        match steps {
            0 => drop(UnixStream::connect(&path).await.expect("connects")),
            1 => drop(Predecessor::meet(&path).await.expect("is greeted")),
            _ => {
                let mut new = Predecessor::meet(&path).await.expect("is greeted");
                let _ = new.release().await.expect("is told");
            }
        }
        let ended = old.await.expect("ran");
        assert!(matches!(ended, Err(Failed::Io(_))), "{steps}: {ended:?}");
    }
}

#[tokio::test]
async fn nonsense_is_refused_and_a_length_alone_reserves_nothing() {
    let frames: [&[u8]; 4] = [
        b"\xff\xff\xff\xff",
        b"\0\0\0\x02{}",
        b"\0\0\0\x03\"a",
        b"\0\0\0\x2c{\"protocol\":99,\"version\":\"9.0.0\",\"pid\":123456}",
    ];
    for frame in frames {
        let (_folder, path) = folder();
        let offer = Offer::open(&path).await.expect("waits");
        let mut stranger = UnixStream::connect(&path).await.expect("connects");
        stranger.write_all(frame).await.expect("is heard");
        stranger.shutdown().await.expect("ends");
        let mut successor = offer.accept().await;
        let greeted = async {
            successor.introduced().await?;
            let key = Limits::new().interactions.key();
            successor.greet(vec![], socket().await, key).await
        };
        let greeted = greeted.await;
        assert!(greeted.is_err(), "{frame:?}");
    }
}

#[tokio::test]
async fn a_socket_that_was_left_behind_is_replaced_and_one_in_use_or_a_file_is_not() {
    let (_folder, path) = folder();
    drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
    let offer = Offer::open(&path).await.expect("nobody waits there");
    let second = Offer::open(&path)
        .await
        .err()
        .expect("somebody waits there");
    assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
    drop(offer);
    std::fs::remove_file(&path).expect("there");
    std::fs::write(&path, "precious").expect("written");
    assert!(Offer::open(&path).await.is_err());
    assert_eq!(std::fs::read(&path).expect("there"), b"precious");
}
