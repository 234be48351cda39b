//! The front door through real sockets, polite clients and rude ones.

mod gateway;
mod http1;
mod http2;
mod lifecycle;
mod proxy_protocol;
mod support;
mod tls;
