//! HTTP/2 frames and header lists, byte by byte.
//!
//! ```
//! use loadtest::slow::{frame, get, hpack};
//! let request = frame(1, 5, 1, &hpack(&get("proxy.example.com", "/")));
//! assert_eq!(request[3..9], [1, 5, 0, 0, 0, 1]);
//! ```

/// Names and values in order.
pub type Fields<'a> = Vec<(&'a [u8], &'a [u8])>;

/// A frame of this kind with these flags on this stream (RFC 9113 section 4.1). A payload of 16 MiB and more is cut to nothing.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap_or_default();
    let [_, a, b, c] = len.to_be_bytes();
    let mut bytes = vec![a, b, c, kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A header list in HPACK: each field literal, not indexed, not compressed (RFC 7541 section 6.2.2).
pub fn hpack(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            length(text.len(), &mut block);
            block.extend_from_slice(text);
        }
    }
    block
}

/// RFC 7541 section 5.1, of seven bits.
pub(super) fn length(len: usize, block: &mut Vec<u8>) {
    let mut rest = match u8::try_from(len) {
        Ok(short @ 0..=126) => return block.push(short),
        _ => len - 127,
    };
    block.push(127);
    loop {
        let seven = u8::try_from(rest % 128).unwrap_or_default();
        rest /= 128;
        if rest == 0 {
            return block.push(seven);
        }
        block.push(seven | 128);
    }
}

/// The pseudo-fields of a plain GET over TLS.
pub fn get<'a>(host: &'a str, path: &'a str) -> Fields<'a> {
    vec![
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":authority", host.as_bytes()),
        (b":path", path.as_bytes()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_standard() {
        for (len, expected) in [
            (0, &[0][..]),
            (126, &[126]),
            (127, &[127, 0]),
            (254, &[127, 127]),
            (255, &[127, 128, 1]),
            (4000, &[127, 0xa1, 0x1e]),
        ] {
            let mut block = Vec::new();
            length(len, &mut block);
            assert_eq!(block, expected, "{len}");
        }
    }
}
