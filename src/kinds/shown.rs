//! A path as logs may show it: segments with which anybody could act in a client's name are hidden, and so is what follows a `;`.
//!
//! ```
//! use portcullis::kinds;
//! assert_eq!(kinds::shown(None, "/I3Root/Server1/websvcs/chat/poll/5d1a"), "/I3Root/Server1/websvcs/chat/poll/***");
//! assert_eq!(kinds::shown(None, "/us/a/icws/12345/messaging"), "/us/a/icws/12345/messaging");
//! assert_eq!(kinds::shown(None, "/app;jsessionid=5d1a/x"), "/app;***/x");
//! ```

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::Kind;
use super::interaction::Wire;
use crate::routing::path_safety;

/// What stands in the place of something hidden.
const HIDDEN: &str = "***";
/// So often escapes are undone to find a word that begins a chat's path.
const DECODED: usize = 4;

/// The path for the log. Where no route says which kind it is for, it is looked at as every kind would.
pub fn shown<'a>(kind: Option<&dyn Kind>, path: &'a str) -> Cow<'a, str> {
    let wires = match kind {
        Some(kind) => [kind.interactions(), None],
        None => [Some(Wire::Webtools), Some(Wire::Icws)],
    };
    let mut shown = without_parameters(path);
    for wire in wires.into_iter().flatten() {
        if let Some(hidden) = without_participants(wire, &shown) {
            shown = Cow::Owned(hidden);
        }
    }
    shown
}

/// The same for each path between backquotes in a sentence.
pub fn shown_within(sentence: &str) -> String {
    let parts = sentence.split('`').enumerate();
    let told = parts.map(|(number, part)| match number % 2 {
        0 => Cow::Borrowed(part),
        _ => shown(None, part),
    });
    told.collect::<Vec<_>>().join("`")
}

/// SECURITY: servers of some makers put the session there (`;jsessionid=`).
fn without_parameters(path: &str) -> Cow<'_, str> {
    if !path.contains(';') {
        return Cow::Borrowed(path);
    }
    let segments = path
        .split('/')
        .map(|segment| match segment.split_once(';') {
            Some((name, value)) if !value.is_empty() => format!("{name};{HIDDEN}"),
            _ => segment.to_owned(),
        });
    Cow::Owned(segments.collect::<Vec<_>>().join("/"))
}

/// SECURITY: whoever knows the id of a participant speaks in his name, so behind the word that begins a chat's path only the words of
/// the protocol are shown. `None`: it has no such word.
fn without_participants(wire: Wire, path: &str) -> Option<String> {
    let mut within = false;
    let shown = |segment| match within {
        true if !segment_is_word(wire, segment) => HIDDEN,
        _ => {
            within |= begins(wire, segment);
            segment
        }
    };
    let whole = path.split('/').map(shown).collect::<Vec<_>>().join("/");
    if within {
        return Some(whole);
    }
    // The word itself may hide behind an escape: then nothing behind the first of them is shown.
    if path_safety::is_plain(path) || !may_begin(wire, path) {
        return None;
    }
    let (plain, _) = path.split_once(['%', '\\'])?;
    Some(format!("{plain}{HIDDEN}"))
}

/// Whether one of the path's readings has the word that begins a chat's path; also of a path that nobody should read at all.
fn may_begin(wire: Wire, path: &str) -> bool {
    let mut decoded = Cow::Borrowed(path.as_bytes());
    for _ in 0..DECODED {
        decoded = Cow::Owned(percent_decode(&decoded).collect());
    }
    let loose = decoded.to_ascii_lowercase();
    let mut found = words_that_begin(wire)
        .iter()
        .any(|word| memchr::memmem::find(&loose, word.as_bytes()).is_some());
    if let (false, Some(texts)) = (found, path_safety::texts(path)) {
        let mut segments = texts.iter().flat_map(|text| text.split('/'));
        found = segments.any(|segment| begins(wire, segment));
    }
    found
}

fn begins(wire: Wire, segment: &str) -> bool {
    is_one_of(segment, words_that_begin(wire))
}

fn words_that_begin(wire: Wire) -> &'static [&'static str] {
    match wire {
        Wire::Webtools => &["websvcs"],
        Wire::Icws => &["web-chat", "web-callback"],
    }
}

fn segment_is_word(wire: Wire, segment: &str) -> bool {
    let words: &[&str] = match wire {
        Wire::Webtools => &[
            "callback",
            "chat",
            "create",
            "disconnect",
            "exit",
            "getfile",
            "partyInfo",
            "poll",
            "properties",
            "query",
            "queue",
            "reconnect",
            "sendFile",
            "sendMessage",
            "serverConfiguration",
            "setTypingState",
            "start",
            "status",
        ],
        Wire::Icws => &[
            "create",
            "disconnect",
            "end",
            "exit",
            "file",
            "message-history",
            "messages",
            "poll",
            "reconnect",
            "send-message",
            "start",
            "status",
            "typing-state",
        ],
    };
    segment.is_empty() || is_one_of(segment, words)
}

fn is_one_of(segment: &str, words: &[&str]) -> bool {
    // Windows drops dots and blanks at the end of a name.
    let segment = segment.trim_end_matches(['.', ' ']);
    words.iter().any(|word| segment.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::named;
    use super::*;

    #[test]
    fn a_participant_is_never_shown_however_his_path_is_written() {
        for path in [
            "/websvcs/chat/poll/SECRET",
            "/I3Root/Server1/WebSvcs/Chat/Poll/SECRET",
            "/websvcs/chat/getfile/SECRET/SECRET/SECRET.pdf",
            "/websvcs/partyInfo/SECRET",
            "/websvcs/callback/status/SECRET/",
            "/websvcs/SECRET",
            "/websvcs//chat//poll//SECRET",
            "/websvcs/chat/%70oll/SECRET",
            "/%77ebsvcs/chat/poll/SECRET",
            "/a/%2577ebsvcs/chat/poll/SECRET",
            "/websvcs\\chat\\poll\\SECRET",
            "/websvcs/chat/poll;SECRET/SECRET",
            "/us/a/icws/web-chat/messages/SECRET",
            "/us/a/icws/web-chat/SECRET",
            "/icws/Web-Callback/status/SECRET?x",
            "/a;jsessionid=SECRET",
            "/websvcs./chat/poll/SECRET",
            "/%00/%77ebsvcs/chat/poll/SECRET",
            "/100%/%77ebsvcs/chat/poll/SECRET",
            "/%25252577ebsvcs/chat/poll/SECRET",
        ] {
            let shown = shown(None, path);
            assert!(!shown.contains("SECRET"), "{path} is shown as {shown}");
        }
    }

    proptest! {
        #[test]
        fn no_spelling_of_the_words_shows_a_participant(
            before in "(/[a-z%;.]{0,4}){0,3}",
            escaped in proptest::collection::vec((0usize..4, any::<bool>()), 12),
            chat in any::<bool>(),
        ) {
            let (root, word) = match chat {
                true => ("websvcs", "poll"),
                false => ("web-callback", "status"),
            };
            let spelled: String = root
                .chars()
                .zip(&escaped)
                .map(|(letter, &(times, upper))| {
                    let letter = if upper { letter.to_ascii_uppercase() } else { letter };
                    match times {
                        0 => letter.to_string(),
                        times => format!("%{}{:02x}", "25".repeat(times - 1), letter as u32),
                    }
                })
                .collect();
            let path = format!("{before}/{spelled}/{word}/SECRET");
            let shown = shown(None, &path);
            prop_assert!(!shown.contains("SECRET"), "{path} is shown as {shown}");
        }
    }

    #[test]
    fn what_is_no_secret_stays_readable() {
        for path in [
            "/",
            "/us/icserver1/icws/1234567890/messaging/messages",
            "/us/icserver1/icws/%2e%2e/WebHTMLService/doHTMLRequest",
            "/websvcs/serverConfiguration",
            "/I3Root/Server1/websvcs/chat/start",
            "/a/..;/b",
            "/a%20b",
        ] {
            assert_eq!(shown(None, path), path);
        }
        // A server that knows no chats has no participants either.
        let path = "/websvcs/anything";
        assert_eq!(shown(named("http"), path), path);
    }
}
