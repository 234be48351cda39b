//! Which precompressed variant a client prefers (RFC 9110 section 12.5.3).

use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

/// The codings a file may lie beside itself in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// What the variant's name has behind the file's.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Encoding::Brotli => ".br",
            Encoding::Gzip => ".gz",
        }
    }

    /// What an entity tag has behind the file's.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Encoding::Brotli => "-br",
            Encoding::Gzip => "-gz",
        }
    }

    /// The value of `Content-Encoding`.
    pub(super) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Encoding::Brotli => "br",
            Encoding::Gzip => "gzip",
        })
    }
}

/// The weights of `Accept-Encoding` in thousandths; `None` where a coding is not named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    brotli: Option<u16>,
    gzip: Option<u16>,
    identity: Option<u16>,
    any: Option<u16>,
}

impl Accepted {
    /// Reads all lines; a member that is malformed is as if it were not there.
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        let mut accepted = Accepted::default();
        let lines = headers
            .get_all(ACCEPT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok());
        for member in lines.flat_map(|line| line.split(',')) {
            let (coding, weight) = member
                .split_once(';')
                .map_or((member, Some(1000)), |(c, w)| (c, weight(w)));
            let place = match coding.trim().to_ascii_lowercase().as_str() {
                "br" => &mut accepted.brotli,
                "gzip" | "x-gzip" => &mut accepted.gzip,
                "identity" => &mut accepted.identity,
                "*" => &mut accepted.any,
                _ => continue,
            };
            *place = weight.or(*place);
        }
        accepted
    }

    /// The codings the client takes at least as gladly as the plain file, best first; brotli is smaller and comes first on a tie.
    pub(super) fn by_preference(self) -> impl Iterator<Item = Encoding> {
        let brotli = self.brotli.or(self.any).unwrap_or(0);
        let gzip = self.gzip.or(self.any).unwrap_or(0);
        // A client that names codings and not `identity` wants them.
        let plain = self.identity.unwrap_or(0);
        let codings = if gzip > brotli {
            [(Encoding::Gzip, gzip), (Encoding::Brotli, brotli)]
        } else {
            [(Encoding::Brotli, brotli), (Encoding::Gzip, gzip)]
        };
        codings
            .into_iter()
            .filter(move |(_, weight)| *weight > 0 && *weight >= plain)
            .map(|(coding, _)| coding)
    }
}

/// `q=0.5` in thousandths (RFC 9110 section 12.4.2): at most three digits behind the point, at most 1.
fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.trim().split_once('=')?;
    if !name.eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if !matches!(whole, "0" | "1")
        || fraction.len() > 3
        || !fraction.bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        _ => (thousandths == 0).then_some(1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_accepted_coding_comes_first() {
        for (lines, expected) in [
            (&[][..], ""),
            (&[""], ""),
            (&["gzip, deflate, br"], "br gzip"),
            (&["gzip"], "gzip"),
            (&["x-gzip"], "gzip"),
            (&["GZIP;Q=0.5"], "gzip"),
            (&["gzip;q=1.0, br;q=0.8"], "gzip br"),
            (&["br;q=0"], ""),
            (&["br;q=0.000, gzip;q=0.001"], "gzip"),
            (&["*"], "br gzip"),
            (&["*;q=0.5, br;q=0"], "gzip"),
            (&["*;q=0"], ""),
            (&["identity"], ""),
            (&["identity;q=1, gzip;q=0.5"], ""),
            (&["identity;q=0.5, gzip;q=0.5"], "gzip"),
            (&["gzip", "br"], "br gzip"),
            (&["gzip;q=2"], ""),
            (&["gzip;q=1.001"], ""),
            (&["gzip;q=0.1234"], ""),
            (&["gzip;q="], ""),
            (&["gzip;level=9"], ""),
            (&["gzipx, brr, zstd"], ""),
            (&[" gzip ; q=0.9 ,,"], "gzip"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(ACCEPT_ENCODING, HeaderValue::from_static(line));
            }
            let names: Vec<_> = Accepted::from_headers(&headers)
                .by_preference()
                .map(|e| e.header().to_str().unwrap().to_owned())
                .collect();
            assert_eq!(names.join(" "), expected, "{lines:?}");
        }
    }
}
