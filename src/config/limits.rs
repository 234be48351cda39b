//! The `limits` section: what one connection or request may use.

use super::At;
use super::decode::Context;
use super::section::{Fields, section};
use super::value::{ByteSize, Duration, Number};

section! {
    /// What one connection or request may use.
    pub struct Limits {
        /// The head of a request: request line and header fields.
        request_head: RequestHead = nested,
        /// The body of a request.
        request_body: RequestBody = nested,
        /// Connections that wait for their next request.
        keep_alive: KeepAlive = nested,
        /// HTTP/2 connections.
        http2: Http2 = nested,
        /// Time in which a client must finish the TLS handshake, per connection; then it is closed.
        tls_handshake: At<Duration> = default Duration::from_secs(10),
        /// Time a client may leave what is sent to it unread, per connection; then it is closed.
        write_idle: At<Duration> = default Duration::from_secs(30),
    }
    planned [
        "mode", "exempt", "connections", "new_connections", "requests", "requests_in_flight", "ban", "interactions",
    ];
}

section! {
    /// The head of a request: request line and header fields.
    pub struct RequestHead {
        /// Time in which the whole head must have come, per request; then the connection is closed with 408.
        within: At<Duration> = default Duration::from_secs(10),
        /// Largest head, per request (1KiB to 1MiB); more is answered 431.
        size: At<ByteSize> = default ByteSize::kib(32),
        /// Most header fields, per request; more are answered 431.
        fields: At<Number<10, 1000>> = default Number::new(100),
    }
    parts HeadParts check_head;
}

section! {
    /// The body of a request.
    pub struct RequestBody {
        /// Largest body, per request; more is answered 413.
        size: At<ByteSize> = default ByteSize::mib(15),
        /// Longest pause between two pieces of a body, per request; then the connection is closed with 408.
        idle: At<Duration> = default Duration::from_secs(10),
    }
    planned ["rate"];
}

section! {
    /// Connections that wait for their next request.
    pub struct KeepAlive {
        /// Longest wait for the next request, per connection (HTTP/1.1); then it is closed.
        idle: At<Duration> = default Duration::from_secs(75),
        /// Most requests, per connection; the last answer says that it was the last.
        requests: At<Number<1, 1_000_000>> = default Number::new(1000),
    }
}

section! {
    /// HTTP/2 connections.
    pub struct Http2 {
        /// Most requests at the same time, per connection.
        streams: At<Number<1, 10_000>> = default Number::new(100),
        /// Longest time without any request open, per connection; then it is closed.
        idle: At<Duration> = default Duration::from_secs(60),
        /// Most streams that the client has reset and the gateway has not yet forgotten, per connection; more close it ("rapid reset").
        pending_resets: At<Number<1, 1000>> = default Number::new(20),
    }
}

fn check_head(head: HeadParts<'_>, _: &Fields<'_, '_>, cx: &mut Context<'_>) {
    let Some(size) = head.size else { return };
    if !(1 << 10..=1 << 20).contains(&size.bytes()) {
        cx.refuse(
            size.place,
            format!("a request head of {} is out of bounds", **size),
            "write a size from `1KiB` to `1MiB`",
        );
    }
}
