//! Writes the answer of a [`Site`](crate::files::Site) to the client.

use http::header::{ALLOW, CONTENT_RANGE};
use pingora_core::Result;
use pingora_http::ResponseHeader;
use pingora_proxy::Session;

use super::failure;
use crate::exchange::Exchange;
use crate::files::Answer;
use crate::reason::Reason;
use crate::request_id::X_REQUEST_ID;
use crate::respond;

/// Sends a file, or the error page of why there is none.
///
/// # Errors
/// The client is gone, or the file ended before the length that was announced.
pub async fn send(session: &mut Session, exchange: &mut Exchange, answer: Answer) -> Result<()> {
    match answer.refusal {
        Some(refusal) => refuse(session, exchange, &answer, refusal.reason()).await,
        None => pass(session, exchange, answer).await,
    }
}

/// The status is the site's, the words are those of every other refusal.
async fn refuse(
    session: &mut Session,
    exchange: &mut Exchange,
    answer: &Answer,
    reason: Reason,
) -> Result<()> {
    exchange.refused = Some(reason);
    let mut page = failure::answer_for(session, exchange, reason);
    // RFC 9110 sections 15.5.6 and 15.5.17: what the method or the range should have been.
    for name in [ALLOW, CONTENT_RANGE] {
        if let Some(value) = answer.headers.get(&name) {
            page = page.with(name, value.clone());
        }
    }
    respond::send(session, &exchange.id, page, failure::closes(reason)).await
}

async fn pass(session: &mut Session, exchange: &mut Exchange, mut answer: Answer) -> Result<()> {
    exchange.status = answer.status.as_u16();
    let mut head = ResponseHeader::build(answer.status, Some(answer.headers.len() + 1))?;
    head.insert_header(X_REQUEST_ID, exchange.id.to_string())?;
    for (name, value) in &answer.headers {
        head.append_header(name, value)?;
    }
    // Empty for HEAD too, whose Content-Length is that of a GET.
    let no_body = answer.body.remaining() == 0;
    session
        .write_response_header(Box::new(head), no_body)
        .await?;
    loop {
        match answer.body.next_chunk().await {
            Ok(None) => return Ok(()),
            Ok(Some(chunk)) => {
                let end = answer.body.remaining() == 0;
                session.write_response_body(Some(chunk), end).await?;
            }
            // The announced length can no longer be kept, so what carries the answer must end.
            Err(error) => {
                log::warn!("a file could not be sent to its end: {error}");
                return Err(failure::error(Reason::FileDisk));
            }
        }
    }
}
