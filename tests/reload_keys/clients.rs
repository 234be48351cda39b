//! An HTTP/2 client.

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::task::JoinHandle;

use super::ground::{Ground, HOST};

/// A connection, and the task that ends with it.
pub async fn http2(ground: &Ground) -> (SendRequest<Bytes>, JoinHandle<()>) {
    let line = ground.tls().alpn(&["h2"]).open().await.unwrap();
    let (sender, connection) = h2::client::handshake(line.into_io()).await.unwrap();
    let driver = tokio::spawn(async move {
        // However it ends.
        let _ = connection.await;
    });
    (sender, driver)
}

/// One GET: its status.
pub async fn ask(sender: &SendRequest<Bytes>) -> Result<u16, h2::Error> {
    let request = http::Request::get(format!("https://{HOST}/web/x"));
    let mut sender = sender.clone().ready().await?;
    let (answer, _) = sender.send_request(request.body(()).unwrap(), true)?;
    let (head, mut body) = answer.await?.into_parts();
    while let Some(piece) = body.data().await {
        let size = piece?.len();
        body.flow_control().release_capacity(size)?;
    }
    Ok(head.status.as_u16())
}
