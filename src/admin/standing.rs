//! An answer that goes on for hours ends when what let it in is worth nothing any more: an event stream of somebody who has signed out.

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};

use super::Gateway;
use super::pass::Pass;

/// Looks at the pass again before each event.
pub(super) fn watched(answer: Response, pass: Pass, gateway: &Gateway) -> Response {
    let is_stream = |media: &HeaderValue| media.as_bytes().starts_with(b"text/event-stream");
    let media = answer.headers().get(header::CONTENT_TYPE);
    if !media.is_some_and(is_stream) {
        return answer;
    }
    let gateway = gateway.clone();
    answer.map(|inner| {
        Body::new(Standing {
            inner,
            pass,
            gateway,
        })
    })
}

struct Standing {
    inner: Body,
    pass: Pass,
    gateway: Gateway,
}

impl hyper::body::Body for Standing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        Poll::Ready(frame.filter(|_| self.pass.holds(&self.gateway)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
