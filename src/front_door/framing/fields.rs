//! The header fields that decide where a message ends and where it goes (RFC 9112 sections 5 to 7, RFC 9110 section 7.6.1).
//!
//! ```ignore
//! let fields = read(b"Host: a.example\r\nContent-Length: 5\r\n\r\n", false)?;
//! assert_eq!(fields.body, Body::Length(5));
//! ```

use super::{Body, split_line, target::is_host};
use crate::reason::Reason;

/// What the fields of one head say.
pub(super) struct Fields<'a> {
    pub host: Option<&'a [u8]>,
    pub body: Body,
    pub upgrade: bool,
}

/// Reads the field lines up to the empty line, which must be the end.
pub(super) fn read(mut rest: &[u8], http10: bool) -> Result<Fields<'_>, Reason> {
    let mut host = None;
    let mut length = None;
    let mut codings = 0;
    let mut upgrade = false;
    let mut expects = 0;
    loop {
        let (line, after) = split_line(rest)?;
        rest = after;
        if line.is_empty() {
            break;
        }
        let (name, value) = field(line)?;
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                let first = host.replace(value).is_none();
                ensure(first && is_host(value), Reason::BadHost)?;
            }
            6 if name.eq_ignore_ascii_case(b"expect") => {
                expects += 1;
                // RFC 9110 section 10.1.1: 100-continue is the only expectation there is, and HTTP/1.0 has none.
                let plain = !http10 && expects == 1 && value.eq_ignore_ascii_case(b"100-continue");
                ensure(plain, Reason::MalformedHead)?;
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => upgrade = true,
            10 if name.eq_ignore_ascii_case(b"connection") => connection(value)?,
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let first = length.replace(content_length(value)?).is_none();
                ensure(first, Reason::AmbiguousLength)?;
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                codings += 1;
                ensure(
                    value.eq_ignore_ascii_case(b"chunked"),
                    Reason::TransferCoding,
                )?;
            }
            _ if poses_as_another(name) => return Err(Reason::MalformedHead),
            _ => {}
        }
    }
    if !rest.is_empty() {
        return Err(Reason::MalformedHead);
    }
    // SECURITY: RFC 9112 section 6.1 lets a server drop Content-Length beside Transfer-Encoding; that pair is the classic smuggler.
    let body = match (codings, length) {
        (0, None) => Body::None,
        (0, Some(0)) => Body::None,
        (0, Some(n)) => Body::Length(n),
        (1, None) if !http10 => Body::Chunked,
        _ => return Err(Reason::AmbiguousLength),
    };
    // A body before the switch of protocols: readers differ on which protocol its bytes belong to.
    if upgrade && body != Body::None {
        return Err(Reason::AmbiguousLength);
    }
    Ok(Fields {
        host,
        body,
        upgrade,
    })
}

fn ensure(holds: bool, reason: Reason) -> Result<(), Reason> {
    if holds { Ok(()) } else { Err(reason) }
}

/// `name ":" OWS value OWS`. A line that begins with white space is an obs-fold and fails as a name.
fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Reason> {
    let colon = memchr::memchr(b':', line).ok_or(Reason::MalformedHead)?;
    let (name, value) = line.split_at(colon);
    let value = value.get(1..).unwrap_or_default();
    let well_formed =
        !name.is_empty() && name.iter().all(|&b| is_tchar(b)) && is_value(name, value);
    if !well_formed {
        return Err(Reason::MalformedHead);
    }
    Ok((name, trim_ows(value)))
}

fn trim_ows(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Decimal digits without leading zeros, below 2^63.
pub(crate) fn content_length(value: &[u8]) -> Result<u64, Reason> {
    let plain = match value {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    std::str::from_utf8(value)
        .ok()
        .filter(|_| plain)
        .and_then(|digits| digits.parse::<i64>().ok())
        .and_then(|n| u64::try_from(n).ok())
        .ok_or(Reason::AmbiguousLength)
}

/// RFC 9110 section 7.6.1: the nominated fields end here. Only those that really belong to a connection may be nominated; anything
/// else would let a client strike out a field that the gateway or a server relies on.
fn connection(value: &[u8]) -> Result<(), Reason> {
    const OF_A_CONNECTION: [&[u8]; 7] = [
        b"keep-alive",
        b"close",
        b"upgrade",
        b"te",
        b"trailer",
        b"http2-settings",
        b"proxy-connection",
    ];
    for option in value.split(|&b| b == b',').map(trim_ows) {
        // RFC 9110 section 5.6.1: empty list elements are ignored.
        let known = OF_A_CONNECTION
            .iter()
            .any(|name| name.eq_ignore_ascii_case(option));
        if !option.is_empty() && !known {
            return Err(Reason::MalformedHead);
        }
    }
    Ok(())
}

/// A name with `_` that servers which make variables of names (CGI, WSGI, IIS) would take for one the gateway itself sets or reads.
pub(crate) fn poses_as_another(name: &[u8]) -> bool {
    const GUARDED: [&str; 9] = [
        "content-length",
        "transfer-encoding",
        "x-forwarded-",
        "x-real-ip",
        "x-client-ip",
        "x-original-",
        "x-request-id",
        "inin-icws-",
        "proxy-",
    ];
    memchr::memchr(b'_', name).is_some()
        && GUARDED.iter().any(|guarded| {
            name.get(..guarded.len()).is_some_and(|start| {
                start
                    .iter()
                    .map(|&b| {
                        if b == b'_' {
                            b'-'
                        } else {
                            b.to_ascii_lowercase()
                        }
                    })
                    .eq(guarded.bytes())
            })
        })
}

/// RFC 9110 section 5.6.2.
pub(crate) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// VCHAR, space and tab.
pub(crate) fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || (b' '..=b'~').contains(&byte)
}

/// RFC 9110 section 5.5 also knows obs-text (0x80 and above), whose meaning no two readers share; it passes in Cookie only, where
/// browsers send whatever bytes a script of the domain has set, and a refusal would lock those browsers out.
pub(crate) fn is_value(name: &[u8], value: &[u8]) -> bool {
    let opaque = name.eq_ignore_ascii_case(b"cookie");
    value
        .iter()
        .all(|&b| is_value_byte(b) || (opaque && b >= 0x80))
}
