//! A server that ends TLS with an alert in the middle of an answer: it has answered, so it is not down.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use loadtest::wire::{Authority, Identity};
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslMethod};
use openssl::x509::X509;

use super::inside::*;
use super::stage::*;

/// What comes from the other side; or, from one moment on, what no TLS takes for a record of its own.
struct Forged {
    stream: TcpStream,
    from_now_on: bool,
}

impl Read for Forged {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.from_now_on {
            return self.stream.read(buffer);
        }
        // RFC 8446, 5.1: application data of 64 bytes, which are not what the key says.
        let mut record: &[u8] = &[[23, 3, 3, 0, 64].as_slice(), &[0; 64]].concat();
        record.read(buffer)
    }
}

impl Write for Forged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Sends half of an answer, and then the alert `bad_record_mac`. It ends with the test's process.
fn breaks_off(identity: &Identity) -> SocketAddr {
    let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
    let certificate = X509::from_pem(identity.certificate_pem.as_bytes()).unwrap();
    let key = PKey::private_key_from_pem(identity.key_pem.as_bytes()).unwrap();
    context.set_certificate(&certificate).unwrap();
    context.set_private_key(&key).unwrap();
    let context = context.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let forged = Forged {
                stream: stream.unwrap(),
                from_now_on: false,
            };
            let Ok(mut tls) = Ssl::new(&context).unwrap().accept(forged) else {
                continue;
            };
            // A probe only wants the connection.
            if !matches!(tls.read(&mut [0; 4096]), Ok(1..)) {
                continue;
            }
            tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                .unwrap();
            tls.get_mut().from_now_on = true;
            assert!(tls.read(&mut [0; 4096]).is_err());
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_breaks_off_with_an_alert_has_answered_and_is_not_down() {
    collect_log();
    let identity = Authority::new("alerts").unwrap().issue(&["127.0.0.1"]);
    let address = breaks_off(&identity.unwrap());
    let rest = format!(
        "kind: http, url: 'https://{address}', insecure: true, health: {{ interval: 1h, fall: 1 }}"
    );
    let edge = edge(&file(&[("web", &rest)])).await;
    wait_for(&edge, "web", "up").await;
    for _ in 0..5 {
        let got = get(&edge, "/web/x").await;
        assert_eq!(got.status(), Some(200));
        assert!(got.text().ends_with("half"), "{}", got.text());
    }
    let told = log_line("upstream_tls").await;
    assert!(told.contains("alert"), "it was not an alert: {told}");
    let told = server(&edge, "web").await;
    assert_eq!(told["health"], "up");
    assert_eq!(told["passive"]["failures_in_a_row"], 0);
}
