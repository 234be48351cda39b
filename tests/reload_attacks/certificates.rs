//! Certificates and keys on their way from one pair to the next.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use loadtest::wire::Identity;
use openssl::ssl::{SslConnector, SslMethod};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;

use super::gateway::PATIENCE;
use super::stage::{KEPT, Stage};

/// Pairs that follow one another while nobody waits.
const PAIRS: usize = 30;

fn identity(stage: &Stage) -> Identity {
    stage.world.authority.issue(&[KEPT]).unwrap()
}

/// The certificate that a client gets, verified; its request must be answered.
fn shown(stage: &Stage) -> X509 {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    let mut store = X509StoreBuilder::new().unwrap();
    let authority = X509::from_pem(stage.world.authority.pem().as_bytes());
    store.add_cert(authority.unwrap()).unwrap();
    builder.set_cert_store(store.build());
    let tcp = TcpStream::connect(stage.public[0]).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut tls = builder.build().connect(KEPT, tcp).unwrap();
    write!(
        tls,
        "GET / HTTP/1.1\r\nHost: {KEPT}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = [0; 12];
    tls.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    tls.ssl().peer_certificate().unwrap()
}

fn pem(identity: &Identity) -> X509 {
    X509::from_pem(identity.certificate_pem.as_bytes()).unwrap()
}

#[test]
fn a_certificate_whose_key_has_not_come_yet_waits_for_it() {
    let stage = Stage::open();
    let (old, new) = (shown(&stage), identity(&stage));
    let checked = stage.world.run(&["check", "-c", "p.yaml"]);
    assert_eq!(checked.code, Some(0), "good when it was checked");
    stage.put("tls/a.pem", &new.certificate_pem);
    stage.refuses("does not belong to the first certificate in");
    assert_eq!(shown(&stage), old);
    stage.put("tls/a.key", &new.key_pem);
    assert!(stage.reload());
    assert_eq!(shown(&stage), pem(&new));
    stage.recovers();
}

#[test]
fn a_key_that_cannot_be_read_is_refused_and_the_old_one_serves_on() {
    let stage = Stage::open();
    let old = shown(&stage);
    let key = stage.path("tls/a.key");
    let good = fs::read_to_string(&key).unwrap();
    for (make, why) in [
        ("gone", "No such file or directory"),
        ("link", "Too many levels of symbolic links"),
        ("folder", "Is a directory"),
        ("pipe", "it is not a regular file"),
        ("device", "it is not a regular file"),
        ("empty", "holds no private key"),
        ("huge", "it is larger than 16 MiB"),
        ("closed", "Permission denied"),
    ] {
        if make == "closed" && rustix::process::geteuid().is_root() {
            println!("skipped: nothing is closed to root");
            continue;
        }
        let _ = fs::remove_file(&key);
        match make {
            "link" => symlink("a.key", &key).unwrap(),
            "folder" => fs::create_dir(&key).unwrap(),
            "pipe" => assert!(Command::new("mkfifo").arg(&key).status().unwrap().success()),
            "device" => symlink("/dev/zero", &key).unwrap(),
            "empty" => fs::write(&key, "").unwrap(),
            "huge" => fs::File::create(&key).unwrap().set_len(64 << 30).unwrap(),
            "closed" => {
                fs::write(&key, &good).unwrap();
                fs::set_permissions(&key, fs::Permissions::from_mode(0o000)).unwrap();
            }
            _ => {}
        }
        stage.refuses(why);
        assert_eq!(shown(&stage), old, "{make}");
        let _ = fs::remove_dir(&key);
    }
    let _ = fs::remove_file(&key);
    fs::write(&key, good).unwrap();
    stage.recovers();
}

#[test]
fn pairs_that_are_replaced_while_they_are_read_never_leave_a_wrong_one_in_force() {
    let stage = Stage::open();
    let pairs: Vec<Identity> = (0..PAIRS).map(|_| identity(&stage)).collect();
    let mut known = vec![shown(&stage)];
    known.extend(pairs.iter().map(pem));
    for pair in &pairs {
        // A signal after each step, and none is waited for: any of them may read half of a pair.
        stage.put("tls/a.pem", &pair.certificate_pem);
        stage.gateway.signal(rustix::process::Signal::HUP);
        stage.put("tls/a.key", &pair.key_pem);
        stage.gateway.signal(rustix::process::Signal::HUP);
        let now = shown(&stage);
        assert!(known.contains(&now), "a certificate that nobody made");
    }
    super::gateway::until("the last pair is in force", || {
        (Some(&shown(&stage)) == known.last()).then_some(())
    })
    .unwrap();
    let known = stage.outcomes();
    assert!(known.applied > 0 && known.all() <= 2 * PAIRS, "{known:?}");
}
