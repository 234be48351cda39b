use std::collections::HashSet;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{Ssl, SslConnector, SslConnectorBuilder, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509NameBuilder};
use portcullis::front_door::ListenerSettings;
use portcullis::front_door::tls::{
    Acceptors, Certificate, MinVersion, Options, Tickets, TlsError, names_of,
};
use portcullis::reason::Reason;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::support::*;

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";

pub fn ec_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn rsa_key() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
}

pub fn certificate(key: PKey<Private>, common_name: &str, sans: &[&str]) -> Certificate {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)
        .unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(9).unwrap())
        .unwrap();
    if !sans.is_empty() {
        let mut extension = SubjectAlternativeName::new();
        sans.iter().for_each(|san| {
            extension.dns(san);
        });
        let extension = extension
            .build(&builder.x509v3_context(None, None))
            .unwrap();
        builder.append_extension(extension).unwrap();
    }
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    Certificate {
        chain: vec![builder.build()],
        key,
    }
}

/// Two certificates: `one` for a.example and *.wild.example, `two` for b.example; and one that has only a common name.
fn three() -> Vec<Certificate> {
    vec![
        certificate(ec_key(), "one", &["A.example", "*.wild.example"]),
        certificate(ec_key(), "two", &["b.example", "deep.wild.example"]),
        certificate(ec_key(), "c.example", &[]),
    ]
}

pub fn tls_listener(
    certificates: &[Certificate],
    change: impl FnOnce(&mut Options<'_>),
) -> ListenerSettings {
    let tickets = Tickets::new();
    let mut options = Options::new(certificates, &tickets);
    change(&mut options);
    let mut settings = plain();
    // Handshakes of a debug build on a busy machine take their time; tests of this deadline set it shorter.
    settings.tls_handshake = Duration::from_secs(10);
    settings.tls = Some(Arc::new(Acceptors::build(options).unwrap()));
    settings
}

fn connector() -> SslConnectorBuilder {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_verify(SslVerifyMode::NONE);
    builder
}

pub async fn handshake(
    address: SocketAddr,
    connector: SslConnectorBuilder,
    sni: Option<&str>,
) -> Result<SslStream<TcpStream>, String> {
    let configuration = connector
        .build()
        .configure()
        .unwrap()
        .verify_hostname(false);
    let ssl = match sni {
        Some(name) => configuration.into_ssl(name).unwrap(),
        None => configuration
            .use_server_name_indication(false)
            .into_ssl("unused")
            .unwrap(),
    };
    over(address, ssl).await
}

async fn over(address: SocketAddr, ssl: Ssl) -> Result<SslStream<TcpStream>, String> {
    let mut stream = SslStream::new(ssl, TcpStream::connect(address).await.unwrap()).unwrap();
    let done = tokio::time::timeout(PATIENCE, Pin::new(&mut stream).connect()).await;
    done.expect("an end in time").map_err(|e| e.to_string())?;
    Ok(stream)
}

/// The common name of the certificate shown.
async fn shown(house: &House, sni: Option<&str>) -> Result<String, String> {
    let stream = handshake(house.address(), connector(), sni).await?;
    let leaf = stream.ssl().peer_certificate().expect("a certificate");
    let entry = leaf.subject_name().entries().next().expect("a name");
    Ok(entry.data().to_string().unwrap())
}

#[tokio::test]
async fn the_certificate_is_chosen_by_name() {
    let house = House::open(vec![tls_listener(&three(), |_| {})]).await;
    for (sni, expected) in [
        (Some("a.example"), "one"),
        (Some("A.EXAMPLE"), "one"),
        (Some("x.wild.example"), "one"),
        (Some("deep.wild.example"), "two"),
        (Some("b.example"), "two"),
        (Some("c.example"), "c.example"),
        (None, "one"),
    ] {
        assert_eq!(shown(&house, sni).await.as_deref(), Ok(expected), "{sni:?}");
    }
    assert!(house.refusals().is_empty());
}

#[tokio::test]
async fn an_unknown_name_gets_an_alert_and_no_certificate() {
    let house = House::open(vec![tls_listener(&three(), |_| {})]).await;
    for sni in [
        "x.example",
        "wild.example",
        "*.wild.example",
        "x.y.wild.example",
        "one",
        "example",
    ] {
        for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
            let mut connector = connector();
            connector.set_max_proto_version(Some(version)).unwrap();
            let error = handshake(house.address(), connector, Some(sni))
                .await
                .expect_err(sni);
            assert!(error.contains("unrecognized name"), "{sni}: {error}");
        }
    }
    house.emptied().await;
    assert_eq!(house.refusals(), [Reason::UnknownSni; 12]);
}

#[tokio::test]
async fn a_client_without_a_name_is_refused_where_one_is_required() {
    let listener = tls_listener(&three(), |options| options.require_sni = true);
    let house = House::open(vec![listener]).await;
    assert!(shown(&house, None).await.is_err());
    assert_eq!(shown(&house, Some("b.example")).await.as_deref(), Ok("two"));
    assert_eq!(house.refusals(), [Reason::UnknownSni]);
}

#[tokio::test]
async fn names_that_are_not_in_the_host_map_are_refused_although_a_certificate_covers_them() {
    let names = [
        "b.example",
        "x.wild.example",
        "z.example",
        "deep.wild.example",
    ];
    let listener = tls_listener(&three(), |options| {
        options.names = Some(HashSet::from(names.map(str::to_owned)));
    });
    assert_eq!(listener.tls.as_ref().unwrap().uncovered(), ["z.example"]);
    let house = House::open(vec![listener]).await;
    assert_eq!(shown(&house, Some("b.example")).await.as_deref(), Ok("two"));
    assert_eq!(
        shown(&house, Some("x.wild.example")).await.as_deref(),
        Ok("one")
    );
    assert_eq!(
        shown(&house, Some("deep.wild.example")).await.as_deref(),
        Ok("two")
    );
    for sni in ["a.example", "y.wild.example", "z.example"] {
        assert!(shown(&house, Some(sni)).await.is_err(), "{sni}");
    }
}

#[tokio::test]
async fn one_name_may_have_a_certificate_of_each_key_type() {
    let certificates = [
        certificate(rsa_key(), "rsa", &["a.example"]),
        certificate(ec_key(), "ec", &["a.example"]),
        certificate(ec_key(), "second ec", &["a.example"]),
    ];
    let house = House::open(vec![tls_listener(&certificates, |_| {})]).await;
    for sni in [Some("a.example"), None] {
        for (signatures, expected) in [("RSA-PSS+SHA256", "rsa"), ("ECDSA+SHA256", "ec")] {
            let mut connector = connector();
            connector.set_sigalgs_list(signatures).unwrap();
            let stream = handshake(house.address(), connector, sni).await.unwrap();
            let leaf = stream.ssl().peer_certificate().unwrap();
            let name = leaf
                .subject_name()
                .entries()
                .next()
                .unwrap()
                .data()
                .to_string();
            assert_eq!(name.unwrap(), expected, "{sni:?}");
        }
    }
}

#[tokio::test]
async fn the_app_sees_name_and_version() {
    let house = House::open(vec![tls_listener(&three(), |_| {})]).await;
    for (version, text) in [
        (SslVersion::TLS1_2, "TLSv1.2"),
        (SslVersion::TLS1_3, "TLSv1.3"),
    ] {
        let mut connector = connector();
        connector.set_max_proto_version(Some(version)).unwrap();
        let mut client = handshake(house.address(), connector, Some("A.Example"))
            .await
            .unwrap();
        client.write_all(GET).await.unwrap();
        let (head, _) = answer(&mut client).await;
        assert_eq!(field(&head, "x-sni"), "Some(\"a.example\")");
        assert_eq!(field(&head, "x-tls"), text);
        assert_eq!(field(&head, "x-http2"), "false");
    }
}

#[tokio::test]
async fn versions_below_the_minimum_are_refused() {
    let listener = tls_listener(&three(), |options| options.min_version = MinVersion::Tls13);
    let house = House::open(vec![listener]).await;
    let mut old = connector();
    old.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    assert!(
        handshake(house.address(), old, Some("a.example"))
            .await
            .is_err()
    );
    assert!(
        handshake(house.address(), connector(), Some("a.example"))
            .await
            .is_ok()
    );
    house.emptied().await;
    assert_eq!(house.refusals(), [Reason::TlsHandshake]);
}

#[tokio::test]
async fn the_offered_protocols_are_h2_and_http11_and_nothing_else() {
    for (http2, wanted, expected) in [
        (true, &b"\x02h2\x08http/1.1"[..], Some(&b"h2"[..])),
        (true, b"\x08http/1.1\x02h2", Some(b"h2")),
        (true, b"\x08http/1.1", Some(b"http/1.1")),
        (false, b"\x02h2\x08http/1.1", Some(b"http/1.1")),
    ] {
        let house = House::open(vec![tls_listener(&three(), |options| {
            options.http2 = http2;
        })])
        .await;
        let mut connector = connector();
        connector.set_alpn_protos(wanted).unwrap();
        let stream = handshake(house.address(), connector, Some("a.example"))
            .await
            .unwrap();
        assert_eq!(stream.ssl().selected_alpn_protocol(), expected);
    }
    let house = House::open(vec![tls_listener(&three(), |_| {})]).await;
    let mut connector = connector();
    connector.set_alpn_protos(b"\x04smtp").unwrap();
    assert!(
        handshake(house.address(), connector, Some("a.example"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_slow_or_silent_handshake_ends_at_its_deadline() {
    let mut settings = tls_listener(&three(), |_| {});
    settings.tls_handshake = Duration::from_millis(200);
    let house = House::open(vec![settings]).await;
    assert_eq!(house.ask("").await, "");
    assert_eq!(house.ask(b"\x16\x03\x01\x02\0\x01").await, "");
    assert_eq!(
        house.refusals(),
        [Reason::IdleConnection, Reason::TlsHandshake]
    );
    house.emptied().await;
}

#[tokio::test]
async fn a_client_that_leaves_before_a_word_is_not_counted() {
    let house = House::open(vec![tls_listener(&three(), |_| {})]).await;
    let client = house.connect().await;
    until(|| house.door.open_connections() == 1).await;
    drop(client);
    house.emptied().await;
    assert!(house.refusals().is_empty());
}

#[tokio::test]
async fn plain_http_on_a_tls_port_is_closed_without_an_answer() {
    let house = House::open(vec![tls_listener(&three(), |_| {})]).await;
    assert_eq!(house.ask(GET).await, "");
    assert_eq!(house.refusals(), [Reason::TlsHandshake]);
}

#[tokio::test]
async fn proxy_header_and_tls_work_together() {
    let mut settings = tls_listener(&three(), |_| {});
    settings.proxy_protocol = portcullis::front_door::ProxyProtocol::Accept;
    settings.trusted = Arc::from(["127.0.0.1/32".parse().unwrap()]);
    let house = House::open(vec![settings]).await;
    let mut tcp = house.connect().await;
    tcp.write_all(b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n")
        .await
        .unwrap();
    let configuration = connector()
        .build()
        .configure()
        .unwrap()
        .verify_hostname(false);
    let mut client = SslStream::new(configuration.into_ssl("a.example").unwrap(), tcp).unwrap();
    Pin::new(&mut client).connect().await.unwrap();
    client.write_all(GET).await.unwrap();
    let (head, _) = answer(&mut client).await;
    assert_eq!(field(&head, "x-peer"), "192.0.2.7:50000");
    assert_eq!(field(&head, "x-client-addr"), "192.0.2.7:50000");
}

#[test]
fn equal_inputs_compare_equal_and_others_do_not() {
    let tickets = Tickets::new();
    let certificates = three();
    let build = |change: fn(&mut Options<'_>)| {
        let mut options = Options::new(&certificates, &tickets);
        change(&mut options);
        Acceptors::build(options).unwrap()
    };
    let base = build(|_| {});
    assert!(base == build(|_| {}));
    assert!(base != build(|options| options.http2 = false));
    assert!(base != build(|options| options.require_sni = true));
    assert!(base != build(|options| options.min_version = MinVersion::Tls13));
    assert!(base != build(|options| options.ciphers = Some("ECDHE-ECDSA-AES128-GCM-SHA256")));
    assert!(base != build(|options| options.names = Some(HashSet::new())));
    assert!(base != build(|options| options.certificates = &options.certificates[..2]));
}

#[test]
fn what_cannot_work_is_said_when_it_is_built() {
    let tickets = Tickets::new();
    let mut mismatched = three();
    mismatched[1].key = ec_key();
    let built = Acceptors::build(Options::new(&mismatched, &tickets));
    assert!(matches!(
        built,
        Err(TlsError::KeyMismatch { certificate: 1 })
    ));
    let mut empty = three();
    empty[2].chain.clear();
    let built = Acceptors::build(Options::new(&empty, &tickets));
    assert!(matches!(
        built,
        Err(TlsError::EmptyChain { certificate: 2 })
    ));
    let certificates = three();
    let mut options = Options::new(&certificates, &tickets);
    options.ciphers = Some("NO-SUCH-CIPHER");
    assert!(matches!(
        Acceptors::build(options),
        Err(TlsError::Ciphers(_))
    ));
}

#[test]
fn the_common_name_counts_only_without_sans() {
    let [one, _, three] = <[Certificate; 3]>::try_from(three()).ok().unwrap();
    assert_eq!(names_of(&one.chain[0]), ["a.example", "*.wild.example"]);
    assert_eq!(names_of(&three.chain[0]), ["c.example"]);
}
