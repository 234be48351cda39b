//! Secrets, which never stand in the file itself: `{ env: IDS_SECRET }` or `{ file: secrets/ids }`.

use std::fmt;
use std::str::FromStr;

use super::{FilePath, Refusal};
use crate::config::decode::{Context, Decode, TextValue, text_values};
use crate::config::section::section;
use crate::config::shape::Shape;
use crate::config::tree::Node;
use crate::diagnostic::Diagnostic;

/// A secret, by where it is. What it is gets read when the configuration is compiled, together with every other file that it names, so
/// that a new secret under the same name is a change. Nothing here can print it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret(SecretSource);

section! {
    /// Where a secret is read from.
    pub struct SecretSource {
        /// Environment variable whose value is the secret.
        env: Option<EnvName> = optional,
        /// File whose content is the secret, without the line end.
        file: Option<FilePath> = optional,
    }
    exactly_one_of ["env", "file"];
}

impl Secret {
    /// The secret itself, with `bytes_of` to read its file. It must not reach a log line or a message.
    ///
    /// # Errors
    /// Why it cannot be had, without anything of it.
    pub fn reveal<B: AsRef<[u8]>>(
        &self,
        bytes_of: impl FnOnce(&FilePath) -> Result<B, String>,
    ) -> Result<String, String> {
        let text = match (&self.0.env, &self.0.file) {
            (Some(name), _) => std::env::var(&name.0).map_err(|_| {
                format!("the environment variable `{name}` is not set, or not UTF-8")
            })?,
            (None, Some(file)) => {
                let bytes = bytes_of(file)?;
                let text = std::str::from_utf8(bytes.as_ref());
                text.map_err(|_| format!("{file} is no text"))?.to_owned()
            }
            (None, None) => String::new(),
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err("the secret is empty".to_owned());
        }
        Ok(text.to_owned())
    }
}

impl Decode for Secret {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if node.text().is_some() {
            // SECURITY: the text is probably the secret itself.
            let diagnostic = Diagnostic::new(node.place, "a secret does not stand in the file");
            cx.note(
                diagnostic
                    .remedy("write `{ env: NAME }` or `{ file: PATH }`")
                    .sensitive(),
            );
            return None;
        }
        SecretSource::decode(node, cx).map(Secret)
    }

    fn shape() -> Shape {
        SecretSource::shape()
    }

    fn encode(&self) -> serde_json::Value {
        self.0.encode()
    }
}

/// The name of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvName(String);

impl FromStr for EnvName {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if letters
            && (1..=128).contains(&text.len())
            && !text.starts_with(|c: char| c.is_ascii_digit())
        {
            return Ok(Self(text.to_owned()));
        }
        // SECURITY: somebody may have put the secret itself here.
        Err(Refusal::sensitive(
            "it is not a variable's name",
            "write letters, digits and `_`, such as `IDS_SECRET`",
        ))
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TextValue for EnvName {
    const WORD: &'static str = "environment variable";
    const PATTERN: &'static str = "^[A-Za-z_][A-Za-z0-9_]{0,127}$";
    const EXAMPLE: &'static str = "IDS_SECRET";
}

text_values!(EnvName);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree;

    fn decode(yaml: &str, folder: &std::path::Path) -> Result<Secret, String> {
        let tree = tree::parse(yaml).unwrap();
        let mut cx = Context::new(folder);
        let secret = Secret::decode(tree.get("secret").unwrap(), &mut cx);
        let secret = secret.filter(|_| cx.found.is_empty());
        secret.ok_or_else(|| cx.found.iter().map(|found| format!("{found:?}")).collect())
    }

    #[test]
    fn a_secret_is_read_from_its_file_without_the_line_end_and_never_printed() {
        let folder = std::path::Path::new("/etc/portcullis");
        let secret = decode("secret: { file: ids }", folder).unwrap();
        let read = |file: &FilePath| {
            assert_eq!(file.path(), folder.join("ids"));
            Ok("hunter2\r\n")
        };
        assert_eq!(secret.reveal(read).as_deref(), Ok("hunter2"));
        assert!(!format!("{secret:?} {}", secret.encode()).contains("hunter2"));
        assert!(secret.reveal(|_| Ok("\n")).is_err());
        assert!(secret.reveal(|_| Ok([0xff])).is_err());
        let unreadable = secret.reveal(|_| Err::<Vec<u8>, _>("gone".to_owned()));
        assert_eq!(unreadable, Err("gone".to_owned()));
    }

    #[test]
    fn a_secret_in_the_file_itself_is_refused_without_repeating_it() {
        let folder = std::path::Path::new("/");
        for yaml in [
            "secret: hunter2!",
            "secret: { env: 'hunter2!' }",
            "secret: {}",
        ] {
            let error = decode(yaml, folder).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
