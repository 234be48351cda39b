//! The `listeners` section: the public addresses.

use std::net::SocketAddr;

use crate::diagnostic::Diagnostic;

use super::At;
use super::decode::Context;
use super::section::{Fields, section};
use super::value::Redirect;

section! {
    /// One public address. Without `tls` and `redirect` it speaks plain HTTP.
    pub struct Listener {
        /// Address and port, such as `0.0.0.0:443` or `[::]:443`; port 0 lets the system choose one.
        listen: At<SocketAddr> = required,
        /// TLS on this listener; `{}` for the defaults. The certificates are in the section `tls`.
        tls: Option<At<ListenerTls>> = optional,
        /// Answers every request with a redirect (308) to https on port 443 or the given one. Nothing is forwarded.
        redirect: Option<At<Redirect>> = optional,
    }
    parts ListenerParts check;
}

section! {
    /// TLS on one listener.
    pub struct ListenerTls {
        /// Refuses clients that do not say (by SNI) which host they want, instead of giving them the first certificate.
        require_sni: bool = default false,
        /// Offers HTTP/2 (by ALPN) besides HTTP/1.1.
        http2: bool = default true,
    }
}

fn check(_: ListenerParts<'_>, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    if let (Some(tls), Some(redirect)) = (fields.key_place("tls"), fields.key_place("redirect")) {
        cx.note(
            Diagnostic::new(
                redirect,
                "a listener with `tls` cannot redirect to https: its clients are there already",
            )
            .related(tls, "`tls` is here")
            .remedy("remove `tls` or `redirect`"),
        );
    }
}
