//! The `client_address` section: whose word is believed about who the client is.

use super::At;
use super::choice::choice;
use super::decode::Context;
use super::section::{Fields, section};
use super::value::{HeaderName, IpNet};

section! {
    /// Whose word is believed about who the client is.
    pub struct ClientAddress {
        /// Networks of the proxies and load balancers in front of the gateway. What anybody else says about addresses is dropped.
        trusted_proxies: Vec<At<IpNet>> = default Vec::new(),
        /// Header in which trusted proxies list the client's address; read from right to left.
        header: At<HeaderName> = default HeaderName::x_forwarded_for(),
        /// Whether connections begin with the PROXY protocol (version 1 or 2); only from trusted proxies.
        proxy_protocol: At<ProxyProtocol> = default ProxyProtocol::Never,
    }
    parts ClientAddressParts check;
}

choice! {
    /// Whether connections begin with the PROXY protocol.
    pub enum ProxyProtocol: "PROXY protocol mode" {
        /// It is not spoken; a connection that begins with it is closed.
        Never = "never",
        /// A trusted proxy may speak it.
        Accept = "accept",
        /// Every connection must begin with it and come from a trusted proxy.
        Require = "require",
    }
}

fn check(parts: ClientAddressParts<'_>, fields: &Fields<'_, '_>, cx: &mut Context<'_>) {
    let trusted = parts.trusted_proxies.map_or(&[][..], Vec::as_slice);
    for network in trusted.iter().filter(|network| network.prefix_len() == 0) {
        // SECURITY: with this, every client could choose the address that limits and logs see.
        cx.refuse(
            network.place,
            format!("`{network}` would believe everybody"),
            "write the networks of your own proxies only",
        );
    }
    // Networks that are written but wrong have been reported themselves.
    let nobody = fields
        .node("trusted_proxies")
        .is_none_or(|node| node.len() == 0);
    if let Some(mode) = parts.proxy_protocol
        && **mode != ProxyProtocol::Never
        && nobody
    {
        cx.refuse(
            mode.place,
            "the PROXY protocol is only believed from `trusted_proxies`, and there are none",
            "add `trusted_proxies` with the networks of the proxies, or write `never`",
        );
    }
}
