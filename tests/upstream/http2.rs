//! A GET over HTTP/2 that keeps apart a body that ended and one that was cut.

use bytes::BytesMut;
use loadtest::edge::Edge;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use tokio::net::TcpStream;

use super::support::{HOST, SOON};

/// The body, or how it was cut.
type Body<T> = Result<T, h2::Error>;

/// GET of this target: the status, and the body as text or how it was cut.
pub async fn get(edge: &Edge, target: &str) -> Result<(u16, Body<String>), h2::Error> {
    let (status, body) = get_bytes(edge, target).await?;
    let text = body.map(|body| String::from_utf8_lossy(&body).into_owned());
    Ok((status, text))
}

/// GET of this target: the status, and the body or how it was cut.
pub async fn get_bytes(edge: &Edge, target: &str) -> Result<(u16, Body<BytesMut>), h2::Error> {
    tokio::time::timeout(SOON * 3, exchange(edge, target))
        .await
        .unwrap()
}

async fn exchange(edge: &Edge, target: &str) -> Result<(u16, Body<BytesMut>), h2::Error> {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_verify(SslVerifyMode::NONE);
    builder.set_alpn_protos(b"\x02h2").unwrap();
    let ssl = builder.build().configure().unwrap().into_ssl(HOST).unwrap();
    let tcp = TcpStream::connect(edge.https()).await.unwrap();
    let mut tls = tokio_openssl::SslStream::new(ssl, tcp).unwrap();
    std::pin::Pin::new(&mut tls).connect().await.unwrap();
    let (mut client, connection) = h2::client::handshake(tls).await?;
    let driver = tokio::spawn(connection);
    let request = http::Request::get(format!("https://{HOST}{target}"))
        .body(())
        .unwrap();
    let (answer, _) = client.send_request(request, true)?;
    let answer = answer.await?;
    let status = answer.status().as_u16();
    let mut body = answer.into_body();
    let mut whole = BytesMut::new();
    let body = loop {
        match body.data().await {
            None => break Ok(whole),
            Some(Err(error)) => break Err(error),
            Some(Ok(piece)) => {
                body.flow_control().release_capacity(piece.len())?;
                whole.extend_from_slice(&piece);
            }
        }
    };
    driver.abort();
    Ok((status, body))
}
