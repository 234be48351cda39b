//! Request smuggling: what reaches a server over kept-alive connections is what a strict reading of the client's bytes gives, or the
//! client is refused.

use std::time::Duration;

use super::support::{SOON, Stage, no_panics, ok, stage};

/// What must become of one case.
enum Want {
    /// No server hears of it.
    Refused,
    /// A server may see the first head, but never a whole body, and nothing after it.
    Broken,
    /// Exactly these requests, by what follows the case's own path, with these bodies.
    Seen(&'static [(&'static str, &'static str)]),
}
use Want::{Broken, Refused, Seen};

/// `@P` stands for a path of the case's own, `@H` for the Host line, `@S` for a request that must never appear.
const CASES: &[(&str, &[u8], Want)] = &[
    // --- one length, said plainly
    ("nothing", b"GET @P/1 HTTP/1.1\r\n@H\r\n", Seen(&[("/1", "")])),
    ("a length", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 3\r\n\r\nabc", Seen(&[("/1", "abc")])),
    ("chunks", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", Seen(&[("/1", "abc")])),
    ("chunks in capitals", b"POST @P/1 HTTP/1.1\r\n@HTRANSFER-ENCODING: CHUNKED\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", Seen(&[("/1", "0123456789")])),
    ("two in a row", b"GET @P/1 HTTP/1.1\r\n@H\r\nGET @P/2 HTTP/1.1\r\n@H\r\n", Seen(&[("/1", ""), ("/2", "")])),
    ("two with lengths", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 1\r\n\r\naPOST @P/2 HTTP/1.1\r\n@HContent-Length: 2\r\n\r\nbc", Seen(&[("/1", "a"), ("/2", "bc")])),
    ("two with chunks", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nPOST @P/2 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n", Seen(&[("/1", "a"), ("/2", "b")])),
    ("an empty line between", b"GET @P/1 HTTP/1.1\r\n@H\r\n\r\nGET @P/2 HTTP/1.1\r\n@H\r\n", Seen(&[("/1", ""), ("/2", "")])),
    ("a body that is a request", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n", Seen(&[("/1", "GET / HTTP/1.1\r\n\r\n")])),
    ("a GET with a body", b"GET @P/1 HTTP/1.1\r\n@HContent-Length: 3\r\n\r\nabcGET @P/2 HTTP/1.1\r\n@H\r\n", Seen(&[("/1", "abc"), ("/2", "")])),
    ("a HEAD with a body", b"HEAD @P/1 HTTP/1.1\r\n@HContent-Length: 3\r\n\r\nabcGET @P/2 HTTP/1.1\r\n@H\r\n", Seen(&[("/1", "abc"), ("/2", "")])),
    ("a DELETE with chunks", b"DELETE @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", Seen(&[("/1", "abc")])),
    ("a length of nothing", b"GET @P/1 HTTP/1.1\r\n@HContent-Length: 0\r\n\r\nGET @P/2 HTTP/1.1\r\n@H\r\n", Seen(&[("/1", ""), ("/2", "")])),
    ("white space around a length", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: \t 3 \t\r\n\r\nabc", Seen(&[("/1", "abc")])),
    // --- two lengths
    ("both, length first", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n@S", Refused),
    ("both, coding first", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n@S", Refused),
    ("both, length nothing", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused),
    ("two equal lengths", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", Refused),
    ("two different lengths", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 3\r\nContent-Length: 0\r\n\r\nabc", Refused),
    ("a list of lengths", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 3, 3\r\n\r\nabc", Refused),
    ("a length with a sign", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: +3\r\n\r\nabc", Refused),
    ("a negative length", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: -1\r\n\r\n@S", Refused),
    ("a length with zeros", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 003\r\n\r\nabc", Refused),
    ("a length in hex", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 0x3\r\n\r\nabc", Refused),
    ("a length with a fraction", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 3.0\r\n\r\nabc", Refused),
    ("a length with a space", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 1 3\r\n\r\nabc", Refused),
    ("a length over 2^64", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 18446744073709551619\r\n\r\nabc", Refused),
    ("a length of 2^63", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 9223372036854775808\r\n\r\nabc", Refused),
    ("an empty length", b"POST @P/1 HTTP/1.1\r\n@HContent-Length:\r\n\r\n@S", Refused),
    ("a length that is too short for the coding", b"POST @P/1 HTTP/1.1\r\n@HContent_Length: 5\r\nContent-Length: 0\r\n\r\n@S", Refused),
    // --- codings
    ("two codings", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused),
    ("identity", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: identity\r\n\r\n@S", Refused),
    ("a list of codings", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", Refused),
    ("chunked twice in a list", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", Refused),
    ("chunked and a comma", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", Refused),
    ("chunked in quotes", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", Refused),
    ("chunked with a parameter", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", Refused),
    ("chunked with a vertical tab", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", Refused),
    ("chunked with 0xA0", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: \xa0chunked\r\n\r\n0\r\n\r\n", Refused),
    ("an empty coding", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc", Refused),
    ("a coding with a long s", b"POST @P/1 HTTP/1.1\r\n@HTran\xc5\xbffer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused),
    ("a space before the colon", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n@S", Refused),
    ("a tab before the name", b"POST @P/1 HTTP/1.1\r\n@H\tTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused),
    ("a name with an underscore", b"POST @P/1 HTTP/1.1\r\n@HTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n", Refused),
    ("a folded coding", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", Refused),
    ("a coding behind a lone CR", b"POST @P/1 HTTP/1.1\r\n@HX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused),
    ("a coding behind a bare LF", b"POST @P/1 HTTP/1.1\r\n@HX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused),
    ("a coding behind a NUL", b"POST @P/1 HTTP/1.1\r\n@HX: y\x00Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused),
    ("a coding in HTTP/1.0", b"POST @P/1 HTTP/1.0\r\n@HConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n@S", Refused),
    ("a coding struck out by Connection", b"POST @P/1 HTTP/1.1\r\n@HConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused),
    ("a length struck out by Connection", b"POST @P/1 HTTP/1.1\r\n@HConnection: close, Content-Length\r\nContent-Length: 3\r\n\r\nabc", Refused),
    // --- chunks
    ("a chunk size with zeros", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n0003\r\nabc\r\n000\r\n\r\n", Seen(&[("/1", "abc")])),
    ("an extension", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3;a=b;c=\"d e\"\r\nabc\r\n0;x\r\n\r\nGET @P/2 HTTP/1.1\r\n@H\r\n", Seen(&[("/1", "abc"), ("/2", "")])),
    ("trailers", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\nGET @P/2 HTTP/1.1\r\n@H\r\n", Seen(&[("/1", "abc"), ("/2", "")])),
    ("trailers that reframe", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nContent-Length: 50\r\nHost: evil.example\r\nTransfer-Encoding: identity\r\n\r\n", Seen(&[("/1", "abc")])),
    ("a size of nothing", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n\r\n\r\n@S", Broken),
    ("a size of white space", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n \r\n\r\n@S", Broken),
    ("a size of an extension", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n;a\r\n\r\n@S", Broken),
    ("a size with 0x", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", Broken),
    ("a size with a sign", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n", Broken),
    ("a negative size", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n", Broken),
    ("a size with an underscore", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n0_3\r\nabc\r\n0\r\n\r\n", Broken),
    ("a size behind a space", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n", Broken),
    ("a size before a space", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n", Broken),
    ("two sizes", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3 5\r\nabc\r\n0\r\n\r\n", Broken),
    ("a size over 2^64", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n", Broken),
    ("a size of 2^64-1", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc\r\n0\r\n\r\n", Broken),
    ("a size with a bare LF", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", Broken),
    ("a size with a lone CR", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\rabc\r\n0\r\n\r\n", Broken),
    ("an extension with a bare LF", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n", Broken),
    ("an extension with a request in it", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n0;\n\n@S0\r\n\r\n", Broken),
    ("an extension with a NUL", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3;\x00\r\nabc\r\n0\r\n\r\n", Broken),
    ("data without CRLF", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\r\nabc0\r\n\r\n", Broken),
    ("data with two bytes of something", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n@S", Broken),
    ("data with a bare LF", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n", Broken),
    ("data longer than said", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", Broken),
    ("an end without an empty line", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n@S", Broken),
    ("a bare LF at the end", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\n@S", Broken),
    ("a trailer with a bare LF", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: 1\n\r\n", Broken),
    ("a trailer that is no field", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nnonsense\r\n\r\n", Broken),
    ("a folded trailer", b"POST @P/1 HTTP/1.1\r\n@HTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n 2\r\n\r\n", Broken),
    // --- the request line and the fields
    ("a bare LF after the line", b"GET @P/1 HTTP/1.1\n@H\r\n", Refused),
    ("an empty line of a bare LF", b"GET @P/1 HTTP/1.1\r\n@H\n@S", Refused),
    ("two spaces", b"GET  @P/1 HTTP/1.1\r\n@H\r\n", Refused),
    ("a tab for a space", b"GET\t@P/1 HTTP/1.1\r\n@H\r\n", Refused),
    ("a space in the target", b"GET @P/1 x HTTP/1.1\r\n@H\r\n", Refused),
    ("a request in the target", b"GET @P/1\x0d\x0aX: y HTTP/1.1\r\n@H\r\n", Refused),
    ("no version", b"GET @P/1\r\n@H\r\n", Refused),
    ("a version with zeros", b"GET @P/1 HTTP/01.1\r\n@H\r\n", Refused),
    ("HTTP/1.2", b"GET @P/1 HTTP/1.2\r\n@H\r\n", Refused),
    ("HTTP/2.0", b"GET @P/1 HTTP/2.0\r\n@H\r\n", Refused),
    ("another case of HTTP", b"GET @P/1 http/1.1\r\n@H\r\n", Refused),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refused),
    ("a method in small letters", b"get @P/1 HTTP/1.1\r\n@H\r\n", Refused),
    ("a method of its own", b"GETX @P/1 HTTP/1.1\r\n@H\r\n", Refused),
    ("CONNECT", b"CONNECT proxy.example.com:80 HTTP/1.1\r\n@H\r\n@S", Refused),
    ("TRACE", b"TRACE @P/1 HTTP/1.1\r\n@H\r\n", Refused),
    ("OPTIONS of everything", b"OPTIONS * HTTP/1.1\r\n@H\r\n", Refused),
    ("no Host", b"GET @P/1 HTTP/1.1\r\n\r\n", Refused),
    ("two Hosts", b"GET @P/1 HTTP/1.1\r\n@H@H\r\n", Refused),
    ("two Hosts in one", b"GET @P/1 HTTP/1.1\r\nHost: proxy.example.com, evil.example\r\n\r\n", Refused),
    ("a Host with a user", b"GET @P/1 HTTP/1.1\r\nHost: a@proxy.example.com\r\n\r\n", Refused),
    ("another host in the target", b"GET http://evil.example@P/1 HTTP/1.1\r\n@H\r\n", Refused),
    ("a user in the target", b"GET http://a@proxy.example.com@P/1 HTTP/1.1\r\n@H\r\n", Refused),
    ("the same host in the target", b"GET http://proxy.example.com@P/1 HTTP/1.1\r\n@H\r\n", Seen(&[("/1", "")])),
    ("a fold", b"GET @P/1 HTTP/1.1\r\n@HX: a\r\n b\r\n\r\n", Refused),
    ("a fold of the first line", b"GET @P/1 HTTP/1.1\r\n X: a\r\n@H\r\n", Refused),
    ("no name", b"GET @P/1 HTTP/1.1\r\n@H: a\r\n\r\n", Refused),
    ("no colon", b"GET @P/1 HTTP/1.1\r\n@Hnonsense\r\n\r\n", Refused),
    ("a name in brackets", b"GET @P/1 HTTP/1.1\r\n@HX(Y): a\r\n\r\n", Refused),
    ("a name with 0x80", b"GET @P/1 HTTP/1.1\r\n@HX\x80: a\r\n\r\n", Refused),
    ("a value with 0x80", b"GET @P/1 HTTP/1.1\r\n@HX: \x80\r\n\r\n", Refused),
    ("a value with DEL", b"GET @P/1 HTTP/1.1\r\n@HX: \x7f\r\n\r\n", Refused),
    ("a value with ESC", b"GET @P/1 HTTP/1.1\r\n@HX: \x1b[31m\r\n\r\n", Refused),
    ("a name with a NUL", b"GET @P/1 HTTP/1.1\r\n@HX\x00: a\r\n\r\n", Refused),
    ("CR CR LF", b"GET @P/1 HTTP/1.1\r\n@HX: a\r\r\n\r\n", Refused),
    // --- expectations and upgrades
    ("an unknown expectation", b"POST @P/1 HTTP/1.1\r\n@HExpect: 200-ok\r\nContent-Length: 3\r\n\r\nabc", Refused),
    ("two expectations", b"POST @P/1 HTTP/1.1\r\n@HExpect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", Refused),
    ("an expectation and the body at once", b"POST @P/1 HTTP/1.1\r\n@HExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabcGET @P/2 HTTP/1.1\r\n@H\r\n", Seen(&[("/1", "abc"), ("/2", "")])),
    ("an expectation without a body", b"GET @P/1 HTTP/1.1\r\n@HExpect: 100-continue\r\n\r\nGET @P/2 HTTP/1.1\r\n@H\r\n", Seen(&[("/1", ""), ("/2", "")])),
    ("an upgrade with a length", b"GET @P/1 HTTP/1.1\r\n@HConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc", Refused),
    ("an upgrade with chunks", b"GET @P/1 HTTP/1.1\r\n@HConnection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused),
    ("an upgrade and a request behind it", b"GET @P/1 HTTP/1.1\r\n@HConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n@S", Seen(&[("/1", "")])),
    ("an upgrade to HTTP/2", b"GET @P/1 HTTP/1.1\r\n@HConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Seen(&[("/1", "")])),
    ("an upgrade in HTTP/1.0", b"GET @P/1 HTTP/1.0\r\n@HConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n@S", Seen(&[("/1", "")])),
    ("HTTP/1.0 kept alive", b"GET @P/1 HTTP/1.0\r\n@HConnection: keep-alive\r\n\r\n@S", Seen(&[("/1", "")])),
    ("a length that never comes", b"POST @P/1 HTTP/1.1\r\n@HContent-Length: 30\r\n\r\nabc", Broken),
];

fn filled(template: &[u8], path: &str) -> Vec<u8> {
    let smuggled = format!("GET {path}/smuggled HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n");
    let mut bytes = Vec::new();
    let mut rest = template;
    while let Some((&first, after)) = rest.split_first() {
        let (put, taken): (&[u8], usize) = match rest.get(..2) {
            Some(b"@P") => (path.as_bytes(), 2),
            Some(b"@H") => (b"Host: proxy.example.com\r\n", 2),
            Some(b"@S") => (smuggled.as_bytes(), 2),
            _ => (&[first], rest.len() - after.len()),
        };
        bytes.extend_from_slice(put);
        rest = &rest[taken..];
    }
    bytes
}

async fn judge(stage: &Stage, number: usize, way: &str, cut: Option<usize>) -> Result<(), String> {
    let (name, template, want) = &CASES[number];
    let path = format!("/gadgets/{way}{number}");
    let bytes = filled(template, &path);
    let mut dial = loadtest::rude::client::Dial::plain(stage.edge.plain());
    if let Some(size) = cut {
        dial = dial.drip(size, Duration::from_millis(1));
    }
    let got = dial.send(bytes, Duration::from_secs(3)).await.unwrap();
    let prefix = format!("/base/{way}{number}/");
    let seen = stage
        .server
        .recorder()
        .matching(|r| r.target().starts_with(&prefix));
    let seen: Vec<_> = seen
        .iter()
        .map(|r| {
            (
                r.target().replacen(&prefix, "/", 1),
                String::from_utf8_lossy(&r.body).into_owned(),
                r.body_complete,
            )
        })
        .collect();
    let right = match want {
        Refused => seen.is_empty() && got.status().is_some_and(|status| status >= 400),
        Broken => {
            seen.len() <= 1
                && seen
                    .iter()
                    .all(|(target, _, whole)| target == "/1" && !whole)
        }
        Seen(wanted) => {
            seen.len() == wanted.len()
                && seen
                    .iter()
                    .zip(*wanted)
                    .all(|((t, b, whole), (wt, wb))| t == wt && b == wb && *whole)
        }
    };
    let ours = got.text().contains("Pingora");
    match right && !ours {
        true => Ok(()),
        false => Err(format!(
            "{name} ({way}): server saw {seen:?}, client got {:?} {:?}",
            got.ended,
            got.text()
        )),
    }
}

async fn judge_all(way: &str, cut: Option<usize>) {
    let stage = stage(ok).await;
    let mut wrong = Vec::new();
    for start in (0..CASES.len()).step_by(32) {
        let some = start..CASES.len().min(start + 32);
        let mut judging = Vec::new();
        for number in some {
            judging.push(judge(&stage, number, way, cut));
        }
        wrong.extend(join_all(judging).await.into_iter().filter_map(Result::err));
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        CASES.len(),
        wrong.join("\n")
    );
    assert_eq!(
        stage
            .server
            .recorder()
            .count(|r| r.target().contains("smuggled") || r.method().is_empty()),
        0
    );
    stage.seen();
    no_panics();
}

async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut pinned: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|cx| {
        let mut all = true;
        for (future, done) in &mut pinned {
            if done.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(output) => *done = Some(output),
                    std::task::Poll::Pending => all = false,
                }
            }
        }
        if all {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    pinned.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn a_server_sees_what_a_strict_reading_gives() {
    judge_all("whole", None).await;
}

#[tokio::test]
async fn it_makes_no_difference_where_packets_end() {
    judge_all("cut", Some(7)).await;
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_leaves_nothing_behind() {
    let stage = stage(ok).await;
    for head in [
        "POST /gadgets/1 HTTP/1.1\r\nHost: proxy.example.com\r\nContent-Length: 100\r\n\r\nabc",
        "POST /gadgets/2 HTTP/1.1\r\nHost: proxy.example.com\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "POST /gadgets/3 HTTP/1.1\r\nHost: proxy.example.com\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n",
        "GET /talk/4 HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nabc",
    ] {
        for _ in 0..10 {
            let mut line = loadtest::rude::client::Dial::plain(stage.edge.plain())
                .open()
                .await
                .unwrap();
            line.write(head.as_bytes()).await.unwrap();
            let target = head
                .split(' ')
                .nth(1)
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned();
            let ends = |r: &loadtest::wire::Record| r.target().ends_with(&target);
            stage.server.recorder().wait_for(ends, SOON).await.unwrap();
            line.reset();
        }
    }
    stage.nothing_leaks().await;
    stage.seen();
}

#[tokio::test]
async fn a_client_that_leaves_much_unread_behind_a_long_poll_does_not_hold_the_server() {
    let server = loadtest::rude::Rude::serve(|mut connection| async move {
        connection.read_head().await?;
        connection.until_gone().await?;
        Ok(connection)
    })
    .await
    .unwrap();
    let edge = super::support::edge(&server.address().to_string(), "").await;
    let get = "GET /gadgets/poll HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n";
    for more in [0, 1, 200] {
        let dial = loadtest::rude::client::Dial::plain(edge.plain());
        let mut line = dial.open().await.unwrap();
        line.write((get.to_owned() + &get.repeat(more)).as_bytes())
            .await
            .unwrap();
        let came = |seen: &[loadtest::rude::Seen]| seen.iter().any(|one| one.heads() > 0);
        server.wait_for("the poll", SOON, came).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        line.reset();
        let left = server.seen().len();
        server.wait_for_leavers(left, SOON).await.unwrap();
    }
}
