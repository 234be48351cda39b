//! A minimal HTTP/2 front for one upstream, so that the client can be tried over HTTP/2 and below a path prefix.

use std::net::SocketAddr;
use std::pin::Pin;

use bytes::Bytes;
use loadtest::wire::Identity;
use openssl::ssl::{AlpnError, Ssl, SslAcceptor, SslMethod, select_next_proto};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Ends with the test.
pub struct Front {
    pub address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves `prefix` from the root of `upstream`. With `map_paths` cookies and Locations get the prefix, else they stay as they are.
pub async fn start(
    identity: &Identity,
    upstream: SocketAddr,
    prefix: &'static str,
    map_paths: bool,
) -> Front {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    builder
        .set_certificate(
            &openssl::x509::X509::from_pem(identity.certificate_pem.as_bytes()).unwrap(),
        )
        .unwrap();
    builder
        .set_private_key(
            &openssl::pkey::PKey::private_key_from_pem(identity.key_pem.as_bytes()).unwrap(),
        )
        .unwrap();
    builder.set_alpn_select_callback(|_, offered| {
        select_next_proto(b"\x02h2", offered).ok_or(AlpnError::NOACK)
    });
    let acceptor = builder.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let ssl = Ssl::new(acceptor.context()).unwrap();
            tokio::spawn(async move {
                let mut stream = tokio_openssl::SslStream::new(ssl, tcp).unwrap();
                if Pin::new(&mut stream).accept().await.is_err() {
                    return;
                }
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, respond))) = connection.accept().await {
                    tokio::spawn(forward(request, respond, upstream, prefix, map_paths));
                }
            });
        }
    });
    Front { address, accepting }
}

async fn forward(
    request: http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
    upstream: SocketAddr,
    prefix: &'static str,
    map_paths: bool,
) {
    let (head, mut incoming) = request.into_parts();
    let mut body = Vec::new();
    while let Some(piece) = incoming.data().await {
        let piece = piece.unwrap();
        incoming
            .flow_control()
            .release_capacity(piece.len())
            .unwrap();
        body.extend_from_slice(&piece);
    }
    let target = head
        .uri
        .path_and_query()
        .unwrap()
        .as_str()
        .strip_prefix(prefix)
        .expect("a path below the prefix");
    let mut text = format!(
        "{} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
        head.method,
        head.uri.authority().unwrap()
    );
    text.push_str(&format!("ININ-ICWS-Original-URL: {}\r\n", head.uri));
    let cookies: Vec<_> = head
        .headers
        .get_all("cookie")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    if !cookies.is_empty() {
        text.push_str(&format!("Cookie: {}\r\n", cookies.join("; ")));
    }
    for (name, value) in head.headers.iter().filter(|(name, _)| *name != "cookie") {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    let mut stream = BufReader::new(TcpStream::connect(upstream).await.unwrap());
    stream
        .write_all(format!("{text}\r\n").as_bytes())
        .await
        .unwrap();
    stream.write_all(&body).await.unwrap();

    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    let mut response = http::Response::builder().status(line.split(' ').nth(1).unwrap());
    let mut chunked = false;
    loop {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        let mapped = match name.to_ascii_lowercase().as_str() {
            "set-cookie" if map_paths => value.replace("Path=/", &format!("Path={prefix}/")),
            "location" if map_paths && value.starts_with('/') => format!("{prefix}{value}"),
            "transfer-encoding" => {
                chunked = true;
                continue;
            }
            "connection" => continue,
            _ => value.to_owned(),
        };
        response = response.header(name, mapped);
    }
    let mut out = respond
        .send_response(response.body(()).unwrap(), false)
        .unwrap();
    loop {
        let mut piece = vec![0; 16 * 1024];
        if chunked {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
            let size = usize::from_str_radix(line.trim_end(), 16).unwrap_or(0);
            piece.resize(size + 2, 0);
            if stream.read_exact(&mut piece).await.is_err() {
                return;
            }
            piece.truncate(size);
        } else {
            let read = stream.read(&mut piece).await.unwrap();
            piece.truncate(read);
        }
        let last = piece.is_empty();
        if out.send_data(piece.into(), last).is_err() || last {
            return;
        }
    }
}
