//! The `admin` section: where metrics, health and the API are, and who may ask for them.
//!
//! ```text
//! p.yaml:2:11: error: the admin listener would be reachable at 192.0.2.1 without TLS, and everything that is said there readable on the way
//! ```

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::At;
use super::decode::Context;
use super::section::{Fields, section};
use super::tls::CertificateFiles;
use super::value::{FilePath, HostName, Secret};

section! {
    /// The listener for operators: `/metrics`, `/healthz`, `/readyz`, the API and its pages.
    pub struct Admin {
        /// Address and port. Elsewhere than on loopback it needs `tls`, and `token` or `client_ca`.
        listen: At<SocketAddr> = default Admin::LISTEN,
        /// Names under which it is asked, besides the address that a connection came to and, on loopback, `localhost`. Any other name is refused.
        names: Vec<At<HostName>> = default Vec::new(),
        /// Its certificate and key. With them it speaks nothing but TLS.
        tls: Option<CertificateFiles> = optional,
        /// Everything but `/healthz` and `/readyz` wants this token, of at least 16 characters.
        token: Option<At<Secret>> = optional,
        /// PEM file with authorities: who shows a certificate of theirs is let in without the token.
        client_ca: Option<At<FilePath>> = optional,
    }
    parts AdminParts check;
}

impl Admin {
    /// Where it is unless the file says otherwise.
    pub const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9145);
}

/// What is written counts, right or wrong: a certificate with a slip in it is not missing.
fn check(admin: AdminParts<'_>, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    let has = |key: &str| fields.node(key).is_some();
    if let Some(ca) = fields.key_place("client_ca")
        && !has("tls")
    {
        cx.refuse(
            ca,
            "clients show their certificates by TLS, which this listener does not speak",
            "add `tls: { cert: FILE, key: FILE }` beside it, or remove `client_ca`",
        );
    }
    let Some(listen) = admin.listen.filter(|listen| !listen.ip().is_loopback()) else {
        return;
    };
    let (ip, port) = (listen.ip(), listen.port());
    let instead = format!("or write `127.0.0.1:{port}` and reach it from elsewhere through SSH");
    if !has("tls") {
        cx.refuse(
            listen.place,
            format!("the admin listener would be reachable at {ip} without TLS, and everything that is said there readable on the way"),
            format!("add `tls: {{ cert: FILE, key: FILE }}`, {instead}"),
        );
    }
    if !has("token") && !has("client_ca") {
        cx.refuse(
            listen.place,
            format!("everybody who reaches the admin listener at {ip} could ban addresses and see who is connected"),
            format!("add `token: {{ file: FILE }}` or `client_ca: FILE`, {instead}"),
        );
    }
}
