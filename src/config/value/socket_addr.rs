//! Addresses to listen on: `0.0.0.0:443`, `[::]:443`.

use std::net::{IpAddr, SocketAddr};

use super::host::parse_port;
use super::{Refusal, quote};
use crate::config::decode::{Context, Decode, text};
use crate::config::shape::Shape;
use crate::config::tree::Node;

const EXAMPLE: &str = "0.0.0.0:443";

/// An address and a port; port 0 lets the system choose one.
fn parse(text: &str) -> Result<SocketAddr, Refusal> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let reason = |what: &str| format!("{} {what}", quote(text));
    if text.parse::<IpAddr>().is_ok() {
        let bracketed = if text.contains(':') {
            format!("[{text}]")
        } else {
            text.to_owned()
        };
        return Err(Refusal::new(
            reason("has no port"),
            format!("write for example `{bracketed}:443`"),
        ));
    }
    if parse_port(text).is_ok() {
        return Err(Refusal::new(
            reason("is only a port"),
            format!("write `0.0.0.0:{text}` for every IPv4 address, or `[::]:{text}` for IPv6"),
        ));
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((text, "443"));
    let port = if parse_port(port).is_ok() {
        port
    } else {
        "443"
    };
    if host.is_empty() || host == "*" {
        return Err(Refusal::new(
            reason("does not say whether IPv4 or IPv6 is meant"),
            format!("write `0.0.0.0:{port}` for every IPv4 address, or `[::]:{port}` for IPv6"),
        ));
    }
    if host.bytes().any(|b| b.is_ascii_alphabetic()) && !host.contains(':') {
        return Err(Refusal::new(
            reason("has a name where an address is needed"),
            format!(
                "write an address of this machine, such as `0.0.0.0:{port}` or `127.0.0.1:{port}`"
            ),
        ));
    }
    Err(Refusal::new(
        reason("is not an address with a port"),
        format!("write for example `{EXAMPLE}` or `[::]:443`"),
    ))
}

impl Decode for SocketAddr {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let text = text(node, "address with a port", EXAMPLE, cx)?;
        match parse(text) {
            Ok(address) => Some(address),
            Err(refusal) => {
                cx.note(refusal.at(node.place, "address with a port"));
                None
            }
        }
    }

    fn shape() -> Shape {
        let schema = serde_json::json!({ "type": "string", "pattern": r"^([0-9.]+|\[[0-9A-Fa-f:.%]+\]):[0-9]{1,5}$" });
        Shape::value("address:port", EXAMPLE, schema)
    }

    fn encode(&self) -> serde_json::Value {
        self.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_a_port_and_no_name() {
        assert!(parse("0.0.0.0:443").is_ok() && parse("[::1]:0").is_ok());
        for (text, remedy) in [
            ("*:443", "`0.0.0.0:443`"),
            (":8444", "`[::]:8444`"),
            ("443", "`0.0.0.0:443`"),
            ("127.0.0.1", "`127.0.0.1:443`"),
            ("::1", "`[::1]:443`"),
            ("localhost:80", "`127.0.0.1:80`"),
            ("1.2.3:443", "0.0.0.0:443"),
            ("0.0.0.0:65536", "0.0.0.0:443"),
            ("", "0.0.0.0:443"),
        ] {
            let refusal = parse(text).expect_err(text);
            assert!(refusal.remedy.contains(remedy), "{text}: {refusal}");
        }
    }
}
