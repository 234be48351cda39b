//! The PROXY protocol, versions 1 and 2: a balancer's word about who the client is.
//!
//! A strict parser of our own, since the whole of it is smaller than the glue for a library, and what matters is exactly where the
//! header ends and that nothing lax gets through. Reference: HAProxy's `proxy-protocol.txt`, sections 2.1 and 2.2.
//!
//! ```
//! use portcullis::front_door::proxy_protocol::{Step, parse};
//! let step = parse(b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\nGET").unwrap();
//! assert_eq!(step, Step::Header { len: 45, client: Some("192.0.2.7:50000".parse().unwrap()) });
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const V1: &[u8] = b"PROXY ";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Section 2.1: 107 bytes hold the longest line with its CRLF.
const V1_MAX: usize = 107;
/// SECURITY: the length field could ask for 64 KiB. Addresses and the extensions in use stay far below this.
const V2_MAX: usize = 16 + 2048;

/// What the bytes so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Could become a header; more bytes are needed.
    More,
    /// Cannot be a header: the bytes belong to the client.
    NotOne,
    /// A whole header of `len` bytes. `client` is `None` for LOCAL, UNKNOWN and addresses that are not TCP over IP: the TCP peer
    /// speaks for itself then.
    Header {
        /// Bytes of the header; what follows is the client's.
        len: usize,
        /// The client it names.
        client: Option<SocketAddr>,
    },
}

/// It begins like a header and is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Looks at the first bytes of a connection.
///
/// # Errors
/// [`Malformed`] as soon as a header that has begun cannot be right any more, or is longer than any we accept.
pub fn parse(bytes: &[u8]) -> Result<Step, Malformed> {
    if bytes.starts_with(V1) {
        version_1(bytes)
    } else if bytes.starts_with(V2) {
        version_2(bytes)
    } else if V1.starts_with(bytes) || V2.starts_with(bytes) {
        Ok(Step::More)
    } else {
        Ok(Step::NotOne)
    }
}

fn version_1(bytes: &[u8]) -> Result<Step, Malformed> {
    let window = bytes.get(..V1_MAX).unwrap_or(bytes);
    let Some(end) = memchr::memchr(b'\n', window) else {
        return if bytes.len() < V1_MAX {
            Ok(Step::More)
        } else {
            Err(Malformed)
        };
    };
    let line = window
        .get(V1.len()..end)
        .and_then(|line| line.strip_suffix(b"\r"))
        .and_then(|line| std::str::from_utf8(line).ok())
        .ok_or(Malformed)?;
    let len = end + 1;
    // The rest of an UNKNOWN line must be ignored (section 2.1).
    if line == "UNKNOWN" || line.starts_with("UNKNOWN ") {
        return Ok(Step::Header { len, client: None });
    }
    let mut words = line.split(' ');
    let mut word = || words.next().ok_or(Malformed);
    let (family, source, target) = (word()?, word()?, word()?);
    let (source_port, target_port) = (port(word()?)?, port(word()?)?);
    if words.next().is_some() {
        return Err(Malformed);
    }
    let (source, _, _): (IpAddr, IpAddr, u16) = match family {
        "TCP4" => (
            address::<Ipv4Addr>(source)?,
            address::<Ipv4Addr>(target)?,
            target_port,
        ),
        "TCP6" => (
            address::<Ipv6Addr>(source)?,
            address::<Ipv6Addr>(target)?,
            target_port,
        ),
        _ => return Err(Malformed),
    };
    Ok(Step::Header {
        len,
        client: Some(SocketAddr::new(source.to_canonical(), source_port)),
    })
}

fn address<A: std::str::FromStr + Into<IpAddr>>(word: &str) -> Result<IpAddr, Malformed> {
    word.parse::<A>().map(Into::into).map_err(|_| Malformed)
}

/// A decimal number without sign or leading zeros.
fn port(word: &str) -> Result<u16, Malformed> {
    let plain = word == "0" || word.starts_with(|c: char| ('1'..='9').contains(&c));
    word.parse::<u16>().ok().filter(|_| plain).ok_or(Malformed)
}

fn version_2(bytes: &[u8]) -> Result<Step, Malformed> {
    let Some(&[command, family, high, low]) = bytes.get(12..16) else {
        return Ok(Step::More);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let len = 16 + length;
    let local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(Malformed),
    };
    if len > V2_MAX {
        return Err(Malformed);
    }
    let Some(body) = bytes.get(16..len) else {
        return Ok(Step::More);
    };
    let client = match family {
        // LOCAL: "the receiver must use the real connection endpoints" and discard the addresses.
        _ if local => None,
        0x11 => {
            let (ip, rest) = body.split_first_chunk::<4>().ok_or(Malformed)?;
            Some(SocketAddr::new(
                Ipv4Addr::from(*ip).into(),
                port_after::<4>(rest)?,
            ))
        }
        0x21 => {
            let (ip, rest) = body.split_first_chunk::<16>().ok_or(Malformed)?;
            let ip = IpAddr::from(Ipv6Addr::from(*ip)).to_canonical();
            Some(SocketAddr::new(ip, port_after::<16>(rest)?))
        }
        // Unspecified, or unix sockets.
        0x00 | 0x31 | 0x32 => None,
        _ => return Err(Malformed),
    };
    Ok(Step::Header { len, client })
}

/// The source port: it stands behind the target address, and the target port must follow.
fn port_after<const ADDRESS: usize>(rest: &[u8]) -> Result<u16, Malformed> {
    let (_, ports) = rest.split_first_chunk::<ADDRESS>().ok_or(Malformed)?;
    match ports {
        [high, low, _, _, ..] => Ok(u16::from_be_bytes([*high, *low])),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(text: &str) -> Option<SocketAddr> {
        Some(text.parse().expect("an address"))
    }

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = V2.to_vec();
        bytes.extend([command, family]);
        bytes.extend(u16::try_from(body.len()).expect("short").to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn version_1_lines() {
        let table = [
            (
                "PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n",
                named("192.0.2.7:50000"),
            ),
            (
                "PROXY TCP6 2001:db8::7 2001:db8::1 1 443\r\n",
                named("[2001:db8::7]:1"),
            ),
            (
                "PROXY TCP6 ::ffff:192.0.2.7 ::1 1 443\r\n",
                named("192.0.2.7:1"),
            ),
            ("PROXY UNKNOWN\r\n", None),
            ("PROXY UNKNOWN whatever it says\r\n", None),
        ];
        for (line, client) in table {
            let len = line.len();
            assert_eq!(
                parse(line.as_bytes()),
                Ok(Step::Header { len, client }),
                "{line}"
            );
            for cut in 0..len {
                assert_eq!(
                    parse(&line.as_bytes()[..cut]),
                    Ok(Step::More),
                    "{line} cut at {cut}"
                );
            }
            let more = format!("{line}GET / HTTP/1.1");
            assert_eq!(
                parse(more.as_bytes()),
                Ok(Step::Header { len, client }),
                "{line}"
            );
        }
    }

    #[test]
    fn version_1_lines_that_are_wrong() {
        for line in [
            "PROXY \r\n",
            "PROXY TCP4\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 50000\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 50000 443 \r\n",
            "PROXY TCP4  192.0.2.7 198.51.100.1 50000 443\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 050000 443\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 +1 443\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
            "PROXY TCP4 192.0.2.07 198.51.100.1 1 443\r\n",
            "PROXY TCP4 ::1 ::1 1 443\r\n",
            "PROXY TCP6 192.0.2.7 192.0.2.7 1 443\r\n",
            "PROXY TCP4 192.0.2.7 x 1 443\r\n",
            "PROXY TCP5 192.0.2.7 192.0.2.7 1 443\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\n",
            "PROXY UNKNOWNX\r\n",
            "PROXY tcp4 192.0.2.7 198.51.100.1 1 443\r\n",
        ] {
            assert_eq!(parse(line.as_bytes()), Err(Malformed), "{line}");
        }
        let endless = [V1, &[b'1'; 120]].concat();
        assert_eq!(parse(&endless), Err(Malformed));
    }

    #[test]
    fn version_2_headers() {
        let four = [192, 0, 2, 7, 198, 51, 100, 1, 0xc3, 0x50, 1, 187];
        let with_extension = [four.as_slice(), &[0x04, 0, 1, 0]].concat();
        let mut six = [0u8; 36];
        six[15] = 1;
        six[33] = 9;
        let table = [
            (v2(0x21, 0x11, &four), named("192.0.2.7:50000")),
            (v2(0x21, 0x11, &with_extension), named("192.0.2.7:50000")),
            (v2(0x21, 0x21, &six), named("[::1]:9")),
            (v2(0x20, 0x11, &four), None),
            (v2(0x20, 0x00, &[]), None),
            (v2(0x21, 0x00, &[]), None),
            (v2(0x21, 0x31, &[0; 216]), None),
        ];
        for (bytes, client) in table {
            let len = bytes.len();
            assert_eq!(parse(&bytes), Ok(Step::Header { len, client }));
            for cut in 0..len {
                assert_eq!(parse(&bytes[..cut]), Ok(Step::More), "cut at {cut}");
            }
        }
    }

    #[test]
    fn version_2_headers_that_are_wrong() {
        for bytes in [
            v2(0x21, 0x11, &[0; 11]),
            v2(0x21, 0x21, &[0; 35]),
            v2(0x22, 0x11, &[0; 12]),
            v2(0x11, 0x11, &[0; 12]),
            v2(0x21, 0x12, &[0; 12]),
            v2(0x21, 0x41, &[0; 12]),
            v2(0x21, 0x11, &[0; 2049]),
        ] {
            assert_eq!(parse(&bytes), Err(Malformed));
        }
    }

    #[test]
    fn what_a_client_says_first_is_no_header() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"POST",
            b"PUT",
            b"\x16\x03\x01",
            b"\r\nGET",
            b"PROXX",
        ] {
            assert_eq!(parse(bytes), Ok(Step::NotOne));
        }
        assert_eq!(parse(b"P"), Ok(Step::More));
        assert_eq!(parse(b"\r\n"), Ok(Step::More));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(start in 0usize..3, bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&[[&b""[..], V1, V2][start], &bytes].concat());
        }
    }
}
