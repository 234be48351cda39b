//! The `limits` section: what one client address, one connection and one request may use.

mod address;
mod interactions;

use super::At;
use super::decode::Context;
use super::section::{Fields, section};
use super::value::{ByteSize, Duration, IpNet, Number};

pub use address::{Ban, Cap, KindLimits, Mode, RateLimit, RouteLimits};
pub use interactions::{COUNTED, Interactions, Silence};

section! {
    /// What one client address, one connection and one request may use. An address is one of IPv4, or a /64 of IPv6.
    pub struct Limits {
        /// `observe` refuses nothing on account of any limit per client address or of interactions, and shows what would have been refused.
        mode: At<Mode> = default Mode::Enforce,
        /// Networks that no limit per client address holds for and that are never banned, not even by an operator. Trusted proxies never count either: their clients do.
        exempt: Vec<At<IpNet>> = default Vec::new(),
        /// Open connections, per client address over all listeners; one more is closed before TLS.
        connections: At<Cap> = default Cap::new(1000),
        /// New connections, per client address over all listeners; one more is closed before TLS.
        new_connections: At<RateLimit> = default RateLimit::per_second(100, 500),
        /// Requests, per client address over all listeners and hosts; one more is answered 429.
        requests: At<RateLimit> = default RateLimit::per_second(200, 1000),
        /// Requests at the same time, per client address over all listeners and hosts; one more is answered 429. A WebSocket or event stream is one as long as it lasts.
        requests_in_flight: At<Cap> = default Cap::new(1000),
        /// When an address is shut out for a while.
        ban: Ban = nested,
        /// Limits for all routes to servers of one kind together.
        kinds: KindLimits = nested,
        /// Chats and callbacks of Interaction Web Tools and ICWS.
        interactions: Option<At<Interactions>> = optional,
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
        /// Time a client may leave what is sent to it unread, per connection; then it is closed. 500 bytes buy it one second more.
        write_idle: At<Duration> = default Duration::from_secs(30),
    }
    parts LimitsParts check_exempt;
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
        /// Slowest body, as bytes per second, per request; one that is `idle` behind it ends the connection with 408.
        rate: At<ByteSize> = default ByteSize::b(500),
    }
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

fn check_exempt(limits: LimitsParts<'_>, _: &Fields<'_, '_>, cx: &mut Context<'_>) {
    let exempt = limits.exempt.map_or(&[][..], Vec::as_slice);
    for network in exempt.iter().filter(|network| network.prefix_len() == 0) {
        cx.refuse(
            network.place,
            format!("`{network}` would exempt everybody"),
            "write `mode: off` to switch the limits off, or the networks that are meant",
        );
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
