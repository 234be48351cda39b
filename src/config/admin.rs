//! The `admin` section: where metrics and health are.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::diagnostic::Place;

use super::At;
use super::decode::Context;
use super::section::section;

section! {
    /// The listener for operators: `/metrics`, `/healthz`, `/readyz`. It has no password, so it must be on loopback.
    pub struct Admin {
        /// Loopback address and port.
        listen: At<SocketAddr> = default Admin::LISTEN,
    }
    finish check;
}

impl Admin {
    /// Where it is unless the file says otherwise.
    pub const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9145);
}

fn check(admin: &mut Admin, _: Place, cx: &mut Context<'_>) {
    if !admin.listen.ip().is_loopback() {
        cx.refuse(
            admin.listen.place,
            format!(
                "the admin listener has no password, so it must not be reachable at {}",
                admin.listen.ip()
            ),
            format!(
                "write `127.0.0.1:{}`; reach it from elsewhere through SSH",
                admin.listen.port()
            ),
        );
    }
}
