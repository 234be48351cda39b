//! Whatever arrives, the answer is a value.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method};
use proptest::prelude::*;

use super::super::coding::tests::every_coding;
use super::super::*;

fn operations() -> Vec<(Wire, Operation)> {
    let of = |wire, method, path| (wire, Operation::of(wire, &method, path).unwrap());
    vec![
        of(Wire::Webtools, Method::POST, "/websvcs/chat/start"),
        of(Wire::Webtools, Method::GET, "/websvcs/chat/poll/p"),
        of(Wire::Webtools, Method::POST, "/websvcs/chat/exit/p"),
        of(Wire::Webtools, Method::GET, "/websvcs/callback/status/p"),
        of(Wire::Webtools, Method::POST, "/websvcs/partyInfo/p"),
        of(Wire::Icws, Method::POST, "/icws/web-chat/start"),
        of(Wire::Icws, Method::GET, "/icws/web-chat/messages/p"),
        of(Wire::Icws, Method::POST, "/icws/web-callback/reconnect"),
    ]
}

fn read_all(content_type: &str, coding: &str, body: &[u8]) {
    let mut headers = HeaderMap::new();
    for (name, value) in [(CONTENT_TYPE, content_type), (CONTENT_ENCODING, coding)] {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    let media = Media::of(&headers);
    let _ = Dialect::wanted(&headers);
    let _ = Asked::read(&media, body);
    for interaction in [Interaction::Chat, Interaction::Callback] {
        let _ = Rejoin::read(interaction, &media, body);
    }
    for (wire, operation) in operations() {
        for status in [0, 200, 204, 404, 500, u16::MAX] {
            let _ = Answer::read(wire, &operation, status, &media, body);
        }
    }
}

const CODINGS: [&str; 6] = ["", "gzip", "deflate", "br", "zstd", "gzip, br"];
const TYPES: [&str; 3] = ["application/json", "application/xml", "text/plain"];

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        coding in prop::sample::select(&CODINGS[..]),
        content_type in prop::sample::select(&TYPES[..]),
    ) {
        read_all(content_type, coding, &body);
    }

    #[test]
    fn no_text_makes_it_panic(
        text in "(\\{|\\}|\\[|\\]|\"chat\"|\"events\"|\"status\"|\"type\"|:|,|<chat|<a|/>|</a>|>|='|&lt;|&#1;|&x;|<!\\[CDATA\\[|\\]\\]>|<!--|-->|<\\?|\\?>|[\\PC]){0,40}",
        content_type in prop::sample::select(&TYPES[..]),
    ) {
        read_all(content_type, "", text.as_bytes());
    }

    /// What is nearly a compressed body goes deepest into the decompressors.
    #[test]
    fn no_damage_to_a_compressed_body_makes_it_panic(
        letters in proptest::collection::vec(0_u8..6, 1..2000),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        for (coding, mut bytes) in every_coding(&letters) {
            for (place, value) in &damage {
                let place = place.index(bytes.len());
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = *value;
                }
            }
            read_all("application/json", coding, &bytes);
            bytes.truncate(cut.index(bytes.len()));
            read_all("application/json", coding, &bytes);
        }
    }
}
