//! Simulated servers, written without a look at the code under test: what they would make of a forwarded path.

pub(super) type Op = fn(&[u8]) -> Vec<u8>;

/// Every single thing a server may do, to be strung together at random.
pub(super) const OPS: [Op; 7] = [decode, dots, params, backslash, merge, fold, cut];

/// Named servers as they are known from the field.
pub(super) const SERVERS: [(&str, &[Op]); 22] = [
    ("takes it as it is", &[]),
    ("decodes once", &[decode]),
    ("decodes twice", &[decode, decode]),
    ("resolves dots", &[dots]),
    ("decodes, resolves", &[decode, dots]),
    ("resolves, decodes", &[dots, decode]),
    ("resolves, decodes, resolves", &[dots, decode, dots]),
    ("decodes twice, resolves", &[decode, decode, dots]),
    ("decodes and resolves, twice", &[decode, dots, decode, dots]),
    ("Tomcat", &[params, decode, merge, dots]),
    (
        "Tomcat behind a decoder",
        &[decode, params, decode, merge, dots],
    ),
    ("Jetty", &[decode, params, dots]),
    ("parameters last", &[decode, dots, params]),
    ("parameters, dots", &[params, dots]),
    ("IIS", &[decode, backslash, merge, dots]),
    (
        "IIS with double escaping",
        &[decode, decode, backslash, dots],
    ),
    ("backslashes raw", &[backslash, dots]),
    ("nginx", &[decode, merge, dots]),
    (
        "nginx before Tomcat",
        &[decode, merge, dots, params, decode, dots],
    ),
    (
        "IIS before Tomcat",
        &[decode, backslash, dots, params, decode, backslash, dots],
    ),
    ("best fit", &[decode, fold, backslash, dots]),
    ("parses a decoded path again", &[decode, cut, dots, decode]),
];

pub(super) fn read(ops: &[Op], path: &str) -> String {
    let mut bytes = path.as_bytes().to_vec();
    for op in ops {
        bytes = op(&bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(super) fn is_decode(op: Op) -> bool {
    op(b"%41") == b"A"
}

fn decode(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut i = 0;
    while i < path.len() {
        let two = path
            .get(i + 1..i + 3)
            .and_then(|h| std::str::from_utf8(h).ok());
        match two
            .filter(|h| !h.starts_with('+'))
            .and_then(|h| u8::from_str_radix(h, 16).ok())
        {
            Some(byte) if path[i] == b'%' => {
                out.push(byte);
                i += 3;
            }
            _ => {
                out.push(path[i]);
                i += 1;
            }
        }
    }
    out
}

fn dots(path: &[u8]) -> Vec<u8> {
    // RFC 3986, 5.2.4, by its letter: input and output buffers.
    let mut input = path.to_vec();
    let mut output: Vec<u8> = Vec::new();
    while !input.is_empty() {
        if input.starts_with(b"/./") {
            input.drain(..2);
        } else if input == b"/." {
            input = b"/".to_vec();
        } else if input.starts_with(b"/../") || input == b"/.." {
            input = if input == b"/.." {
                b"/".to_vec()
            } else {
                input[3..].to_vec()
            };
            let last = output.iter().rposition(|&b| b == b'/').unwrap_or(0);
            output.truncate(last);
        } else {
            let end = input
                .iter()
                .skip(1)
                .position(|&b| b == b'/')
                .map_or(input.len(), |p| p + 1);
            output.extend(input.drain(..end));
        }
    }
    output
}

fn params(path: &[u8]) -> Vec<u8> {
    let segments = path.split(|&b| b == b'/');
    let cut = segments.map(|s| s.split(|&b| b == b';').next().unwrap_or_default());
    cut.collect::<Vec<_>>().join(&b'/')
}

fn backslash(path: &[u8]) -> Vec<u8> {
    path.iter()
        .map(|&b| if b == b'\\' { b'/' } else { b })
        .collect()
}

fn merge(path: &[u8]) -> Vec<u8> {
    let mut out = path.to_vec();
    out.dedup_by(|a, b| *a == b'/' && *b == b'/');
    out
}

fn fold(path: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(path);
    let pairs = [
        ("\u{ff0e}", "."),
        ("\u{ff0f}", "/"),
        ("\u{ff3c}", "\\"),
        ("\u{2215}", "/"),
        ("\u{2025}", ".."),
        ("\u{ff1b}", ";"),
        ("\u{ff05}", "%"),
        ("\u{37e}", ";"),
    ];
    let folded = pairs
        .iter()
        .fold(text.into_owned(), |t, (from, to)| t.replace(from, to));
    folded.into_bytes()
}

fn cut(path: &[u8]) -> Vec<u8> {
    path.split(|b| b"?#".contains(b))
        .next()
        .unwrap_or_default()
        .to_vec()
}
