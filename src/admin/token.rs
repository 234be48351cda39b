//! The token of the admin listener, of which nothing is kept but the digest.
//!
//! ```
//! use portcullis::admin::Token;
//! let token = Token::new("correct horse battery staple".replace(' ', "-").as_str())?;
//! assert!(token.is("correct-horse-battery-staple"));
//! assert!(!token.is("correct-horse-battery-stable"));
//! # Ok::<(), &'static str>(())
//! ```

use std::fmt;

use openssl::memcmp;
use openssl::sha::sha256;

/// Shorter ones can be guessed.
const LEAST: usize = 16;
/// Far below what a request head may have.
const MOST: usize = 1024;

/// What a client has to know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// The token that is this text.
    ///
    /// # Errors
    /// Why it could not be sent, or would be guessed; without anything of it.
    pub fn new(text: &str) -> Result<Token, &'static str> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the token has blanks, or characters outside ASCII");
        }
        match text.len() {
            ..LEAST => Err("the token is shorter than 16 characters, so it could be guessed"),
            LEAST..=MOST => Ok(Token(sha256(text.as_bytes()))),
            _ => Err("the token is longer than 1024 characters"),
        }
    }

    /// Whether somebody knows it. SECURITY: digests are compared, and those in constant time, so that the answer's time says nothing.
    pub fn is(&self, given: &str) -> bool {
        memcmp::eq(&sha256(given.as_bytes()), &self.0)
    }
}

/// SECURITY: not even the digest.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_guessed_or_not_be_sent_is_no_token() {
        assert!(Token::new(&"x".repeat(15)).is_err());
        assert!(Token::new(&"x".repeat(16)).is_ok());
        assert!(Token::new(&"x".repeat(1025)).is_err());
        for strange in [
            "sixteen letters and more",
            "sixteen\tletters-more",
            "sechzehn-zeichen-ü",
        ] {
            assert!(Token::new(strange).is_err(), "{strange}");
        }
    }
}
