//! Content codings: from the bytes on the wire to the bytes of the body, never more of them than the caller allows.
//!
//! ```ignore
//! let body = Coding::Gzip.decode(&bytes, 256 * 1024)?; // TooLarge, whatever the compressed size
//! ```

use std::borrow::Cow;
use std::io::Read;

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

use super::Unreadable;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Unknown,
    Several,
}

/// Which of the codings that a request accepts can be read here, as the value of its Accept-Encoding; `None` if it has none. Weights
/// stay, `*` goes, and where nothing is left the body comes as it is.
///
/// ```
/// use http::header::{ACCEPT_ENCODING, HeaderMap};
/// let mut headers = HeaderMap::new();
/// headers.insert(ACCEPT_ENCODING, "zstd, gzip;q=0.5, *;q=0".parse().unwrap());
/// assert_eq!(portcullis::kinds::interaction::readable_codings(&headers).unwrap(), "gzip;q=0.5");
/// ```
pub fn readable_codings(request: &HeaderMap) -> Option<String> {
    request.get(ACCEPT_ENCODING)?;
    let values = request.get_all(ACCEPT_ENCODING).iter();
    let accepted = values.filter_map(|value| value.to_str().ok());
    let readable: Vec<&str> = accepted
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|accepted| {
            let coding = accepted.split(';').next().unwrap_or_default().trim();
            let coding = Coding::named([coding]);
            !accepted.is_empty() && !matches!(coding, Coding::Unknown | Coding::Several)
        })
        .collect();
    Some(match readable.is_empty() {
        true => "identity".to_owned(),
        false => readable.join(", "),
    })
}

impl Coding {
    /// Reads all values of Content-Encoding (RFC 9110, 8.4).
    pub(super) fn named<'v>(values: impl IntoIterator<Item = &'v str>) -> Self {
        let codings = values
            .into_iter()
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"));
        codings
            .fold(None, |seen, coding| match seen {
                None => Some(Self::one(coding)),
                Some(_) => Some(Self::Several),
            })
            .unwrap_or(Self::Identity)
    }

    fn one(name: &str) -> Self {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("gzip") || is("x-gzip") {
            Self::Gzip
        } else if is("deflate") {
            Self::Deflate
        } else if is("br") {
            Self::Brotli
        } else {
            Self::Unknown
        }
    }

    /// The body inside, at most `cap` bytes.
    pub(super) fn decode(self, bytes: &[u8], cap: usize) -> Result<Cow<'_, [u8]>, Unreadable> {
        let decoded = match self {
            Self::Identity if bytes.len() > cap => Err(Unreadable::TooLarge),
            Self::Identity => return Ok(Cow::Borrowed(bytes)),
            // SECURITY: one member only. Thousands of empty ones would each cost a fresh decompressor, and no server sends two.
            Self::Gzip => {
                let mut one = GzDecoder::new(bytes);
                drain(&mut one, cap).and_then(|decoded| whole(decoded, one.get_ref()))
            }
            // RFC 9110, 8.4.1.2, means zlib by deflate and allows for those who send the bare stream.
            Self::Deflate => match zlib(bytes, cap) {
                Err(Unreadable::Decompression) => {
                    let mut bare = DeflateDecoder::new(bytes);
                    drain(&mut bare, cap).and_then(|decoded| whole(decoded, bare.get_ref()))
                }
                decoded => decoded,
            },
            Self::Brotli => brotli(bytes, cap),
            Self::Unknown => Err(Unreadable::UnknownCoding),
            Self::Several => Err(Unreadable::SeveralCodings),
        };
        decoded.map(Cow::Owned)
    }
}

fn zlib(bytes: &[u8], cap: usize) -> Result<Vec<u8>, Unreadable> {
    let mut zlib = ZlibDecoder::new(bytes);
    drain(&mut zlib, cap).and_then(|decoded| whole(decoded, zlib.get_ref()))
}

/// Nothing may follow what was decompressed: another reader might read on.
fn whole(decoded: Vec<u8>, rest: &[u8]) -> Result<Vec<u8>, Unreadable> {
    match rest {
        [] => Ok(decoded),
        _ => Err(Unreadable::Decompression),
    }
}

fn brotli(bytes: &[u8], cap: usize) -> Result<Vec<u8>, Unreadable> {
    // SECURITY: this pattern announces a window of up to a gigabyte, which browsers refuse too (RFC 7932, 9.1, leaves it undefined).
    if bytes.first().is_some_and(|first| first & 0x7f == 0x11) {
        return Err(Unreadable::Decompression);
    }
    drain(brotli_decompressor::Decompressor::new(bytes, 4096), cap)
}

/// SECURITY: stops one byte after the cap, so a bomb costs no more than an honest body of that size.
fn drain(from: impl Read, cap: usize) -> Result<Vec<u8>, Unreadable> {
    let mut decoded = Vec::new();
    let most = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    from.take(most)
        .read_to_end(&mut decoded)
        .map_err(|_| Unreadable::Decompression)?;
    if decoded.len() > cap {
        return Err(Unreadable::TooLarge);
    }
    Ok(decoded)
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    /// A body in every coding that is read, with the name each has on the wire.
    pub(in crate::kinds::interaction) fn every_coding(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        let level = Compression::default();
        let mut gzip = GzEncoder::new(Vec::new(), level);
        gzip.write_all(body).unwrap();
        let gzip = gzip.finish().unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), level);
        zlib.write_all(body).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), level);
        raw.write_all(body).unwrap();
        let mut br = Vec::new();
        let settings = brotli::enc::BrotliEncoderParams {
            quality: 5,
            ..Default::default()
        };
        brotli::BrotliCompress(&mut &body[..], &mut br, &settings).unwrap();
        vec![
            ("", body.to_vec()),
            ("identity", body.to_vec()),
            ("gzip", gzip.clone()),
            ("X-GZip", gzip),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
            ("br", br),
        ]
    }

    #[test]
    fn content_encoding_is_read_in_every_spelling() {
        for (values, coding) in [
            (&[][..], Coding::Identity),
            (&[""][..], Coding::Identity),
            (&["identity"][..], Coding::Identity),
            (&["GZIP"][..], Coding::Gzip),
            (&[" x-gzip "][..], Coding::Gzip),
            (&["gzip, identity"][..], Coding::Gzip),
            (&["deflate"][..], Coding::Deflate),
            (&["br"][..], Coding::Brotli),
            (&["zstd"][..], Coding::Unknown),
            (&["compress"][..], Coding::Unknown),
            (&["gzip, br"][..], Coding::Several),
            (&["gzip", "gzip"][..], Coding::Several),
            (&["zstd", "br", "gzip"][..], Coding::Several),
        ] {
            assert_eq!(Coding::named(values.iter().copied()), coding, "{values:?}");
        }
    }

    #[test]
    fn only_what_can_be_read_is_asked_for() {
        for (values, readable) in [
            (&[][..], None),
            (&["gzip, deflate, br, zstd"][..], Some("gzip, deflate, br")),
            (&["zstd"][..], Some("identity")),
            (&["*"][..], Some("identity")),
            (&[""][..], Some("identity")),
            (&["GZIP ; q=0.5,,zstd", "br"][..], Some("GZIP ; q=0.5, br")),
            (&["identity;q=0, *"][..], Some("identity;q=0")),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(ACCEPT_ENCODING, value.parse().unwrap());
            }
            assert_eq!(
                readable_codings(&headers).as_deref(),
                readable,
                "{values:?}"
            );
        }
    }

    #[test]
    fn a_bomb_is_too_large_and_a_torn_body_is_torn() {
        let zeros = vec![b' '; 3 << 20];
        for (name, bytes) in every_coding(&zeros) {
            let coding = Coding::named([name]);
            assert_eq!(coding.decode(&bytes, 1 << 18), Err(Unreadable::TooLarge));
        }
        let body = b"{\"chat\": {\"status\": {\"type\": \"success\"}}}";
        for (name, bytes) in every_coding(body).into_iter().skip(2) {
            let coding = Coding::named([name]);
            for length in 0..bytes.len() {
                let torn = bytes.get(..length).unwrap();
                let decoded = coding.decode(torn, 1 << 18);
                assert_eq!(decoded, Err(Unreadable::Decompression), "{name} {length}");
            }
        }
    }

    #[test]
    fn a_body_of_exactly_the_cap_is_read_and_one_byte_more_is_not() {
        for length in [1000, 1001] {
            for (name, bytes) in every_coding(&vec![b'x'; length]) {
                let decoded = Coding::named([name]).decode(&bytes, 1000);
                assert_eq!(decoded.is_ok(), length == 1000, "{name} {length}");
            }
        }
    }

    #[test]
    fn a_second_body_behind_the_first_is_not_read() {
        for (name, bytes) in every_coding(b"{}").into_iter().skip(2) {
            let twice = [&bytes[..], &bytes[..]].concat();
            let decoded = Coding::named([name]).decode(&twice, 1000);
            // The brotli decoder stops at the end of the first and does not say what it has not looked at.
            match name {
                "br" => assert_eq!(decoded.as_deref(), Ok(&b"{}"[..])),
                _ => assert_eq!(decoded, Err(Unreadable::Decompression), "{name}"),
            }
        }
    }

    #[test]
    fn brotli_with_a_giant_window_is_refused() {
        let mut bytes = Vec::new();
        let settings = brotli::enc::BrotliEncoderParams {
            large_window: true,
            lgwin: 28,
            ..Default::default()
        };
        brotli::BrotliCompress(&mut &[b'x'; 5000][..], &mut bytes, &settings).unwrap();
        let decoded = Coding::Brotli.decode(&bytes, 1 << 18);
        assert_eq!(decoded, Err(Unreadable::Decompression));
    }
}
