//! The CSRF token: base64 of length-prefixed strings, the client's address among them.
//!
//! ```
//! use loadtest::icws::CsrfToken;
//! let token = CsrfToken { user: "agent1".into(), application: "app".into(), guid: "g".into(), peer: "127.0.0.1".into() };
//! assert_eq!(CsrfToken::decode(&token.encode()), Some(token));
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What is inside the token, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsrfToken {
    /// User who logged in.
    pub user: String,
    /// Application name from the login.
    pub application: String,
    /// Random part.
    pub guid: String,
    /// Address of the TCP peer at login: through a gateway, the gateway's.
    pub peer: String,
}

impl CsrfToken {
    /// The header value: standard base64, so it may hold `+`, `/` and `=`.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::new();
        for part in [&self.user, &self.application, &self.guid, &self.peer] {
            let kept = part.as_bytes().get(..255).unwrap_or(part.as_bytes());
            bytes.push(u8::try_from(kept.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(kept);
        }
        STANDARD.encode(bytes)
    }

    /// Reads a header value; `None` when it is not a token.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let mut rest = bytes.as_slice();
        let mut part = || {
            let (&size, after) = rest.split_first()?;
            let (text, after) = after.split_at_checked(usize::from(size))?;
            rest = after;
            String::from_utf8(text.to_vec()).ok()
        };
        let token = Self {
            user: part()?,
            application: part()?,
            guid: part()?,
            peer: part()?,
        };
        rest.is_empty().then_some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(user in ".{0,40}", application in ".{0,40}", guid in "[0-9a-f]{32}", peer in "[0-9.]{7,15}") {
            let token = CsrfToken { user, application, guid, peer };
            prop_assert_eq!(CsrfToken::decode(&token.encode()), Some(token));
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".{0,80}") {
            let _ = CsrfToken::decode(&text);
        }
    }

    #[test]
    fn what_is_not_a_token_is_not_read() {
        for text in ["", "ABC7uiitfghnWR0NG", "!!!", "AAAA", "AAAAAAA="] {
            assert_eq!(CsrfToken::decode(text), None, "{text}");
        }
    }
}
