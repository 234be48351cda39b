//! Writes the answer of a [`Site`](crate::files::Site) to the client.

use bytes::BytesMut;
use pingora_core::{ErrorType, OrErr, Result};
use pingora_http::ResponseHeader;
use pingora_proxy::Session;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::files::{Answer, Body};

/// How much of a file is in memory at a time, per request.
const CHUNK: usize = 64 * 1024;

/// Sends a file, or the answer that there is none.
///
/// # Errors
/// The client is gone, or the file ends before the length it had when it was opened.
pub async fn send(session: &mut Session, answer: Answer) -> Result<()> {
    let mut head = ResponseHeader::build(answer.status, Some(answer.headers.len()))?;
    for (name, value) in &answer.headers {
        head.append_header(name, value)?;
    }
    let no_body =
        matches!(answer.body, Body::Empty) || session.req_header().method == http::Method::HEAD;
    session
        .write_response_header(Box::new(head), no_body)
        .await?;
    if no_body {
        return Ok(());
    }
    match answer.body {
        Body::Empty => Ok(()),
        Body::Bytes(bytes) => session.write_response_body(Some(bytes), true).await,
        Body::File {
            mut file,
            start,
            length,
        } => {
            file.seek(std::io::SeekFrom::Start(start))
                .await
                .or_err(ErrorType::FileReadError, "seeking")?;
            let mut left = length;
            while left > 0 {
                let want = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
                let mut chunk = BytesMut::with_capacity(want);
                let mut part = (&mut file).take(want as u64);
                let read = part
                    .read_buf(&mut chunk)
                    .await
                    .or_err(ErrorType::FileReadError, "reading")?;
                if read == 0 {
                    // Cut off meanwhile: the declared length can no longer be kept, so the connection must end.
                    return pingora_core::Error::e_explain(
                        ErrorType::FileReadError,
                        "the file became shorter",
                    );
                }
                left -= read as u64;
                session
                    .write_response_body(Some(chunk.freeze()), left == 0)
                    .await?;
            }
            Ok(())
        }
    }
}
