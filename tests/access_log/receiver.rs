//! Syslog receivers that a test starts, stops and starts again. What they get is read by a strict reader of RFC 5424 that is not ours.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use loadtest::wire::Identity;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslAcceptor, SslMethod};
use openssl::x509::X509;
use serde_json::Value;
use syslog_rfc5424::SyslogMessage;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::{JoinHandle, JoinSet};
use tokio_openssl::SslStream;

use super::upstream::until;

type Got = Arc<Mutex<Vec<Vec<u8>>>>;

/// A receiver, which stops when it is dropped.
pub struct Receiver {
    pub address: SocketAddr,
    got: Got,
    task: JoinHandle<()>,
}

impl Receiver {
    pub async fn udp(at: &str) -> Receiver {
        let socket = UdpSocket::bind(at).await.unwrap();
        let address = socket.local_addr().unwrap();
        let got = Got::default();
        let into = got.clone();
        let task = tokio::spawn(async move {
            let mut message = vec![0; 65536];
            while let Ok(length) = socket.recv(&mut message).await {
                into.lock().unwrap().push(message[..length].to_vec());
            }
        });
        Receiver { address, got, task }
    }

    pub async fn tcp(at: &str) -> Receiver {
        Receiver::listening(at, None).await
    }

    pub async fn tls(at: &str, identity: &Identity) -> Receiver {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        let certificate = X509::from_pem(identity.certificate_pem.as_bytes()).unwrap();
        let key = PKey::private_key_from_pem(identity.key_pem.as_bytes()).unwrap();
        acceptor.set_certificate(&certificate).unwrap();
        acceptor.set_private_key(&key).unwrap();
        Receiver::listening(at, Some(acceptor.build())).await
    }

    async fn listening(at: &str, tls: Option<SslAcceptor>) -> Receiver {
        let listener = TcpListener::bind(at).await.unwrap();
        let address = listener.local_addr().unwrap();
        let got = Got::default();
        let into = got.clone();
        let task = tokio::spawn(async move {
            // Dropped with this task, and the connections with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (into, tls) = (into.clone(), tls.clone());
                connections.spawn(async move {
                    let Some(tls) = tls else {
                        return counted(stream, into).await;
                    };
                    let ssl = Ssl::new(tls.context()).unwrap();
                    let mut stream = SslStream::new(ssl, stream).unwrap();
                    if Pin::new(&mut stream).accept().await.is_ok() {
                        counted(stream, into).await;
                    }
                });
            }
        });
        Receiver { address, got, task }
    }

    /// What came, each one message of RFC 5424.
    pub fn messages(&self) -> Vec<SyslogMessage> {
        let got = self.got.lock().unwrap();
        let read = |message: &Vec<u8>| -> SyslogMessage {
            let text = std::str::from_utf8(message).unwrap();
            assert!(text.is_ascii() && !text.contains('\n'), "{text:?}");
            text.parse().unwrap_or_else(|e| panic!("{e}: {text}"))
        };
        got.iter().map(read).collect()
    }

    /// The paths of their lines, in their order.
    pub fn paths(&self) -> Vec<String> {
        let path = |message: SyslogMessage| {
            let line: Value = serde_json::from_str(&message.msg).unwrap();
            line["path"].as_str().unwrap().to_owned()
        };
        self.messages().into_iter().map(path).collect()
    }

    /// Waits until so many messages have come.
    pub async fn has(&self, count: usize) {
        let enough = async || self.got.lock().unwrap().len() >= count;
        until(&format!("{count} messages"), enough).await;
    }

    /// Nobody listens there afterwards.
    pub async fn stop(mut self) -> SocketAddr {
        self.task.abort();
        let _ = (&mut self.task).await;
        self.address
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Messages with their lengths before them (RFC 6587, 3.4.1; RFC 5425, 4.3).
async fn counted(mut stream: impl AsyncRead + Unpin, into: Got) {
    loop {
        let mut length = 0;
        loop {
            match stream.read_u8().await {
                Ok(digit @ b'0'..=b'9') => length = length * 10 + usize::from(digit - b'0'),
                Ok(b' ') => break,
                Ok(other) => panic!("{other} in a length"),
                Err(_) => return,
            }
        }
        assert!((1..=8192).contains(&length), "{length}");
        let mut message = vec![0; length];
        if stream.read_exact(&mut message).await.is_err() {
            return;
        }
        into.lock().unwrap().push(message);
    }
}
