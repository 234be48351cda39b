//! Secrets, which never stand in the file itself: `{ env: IDS_SECRET }` or `{ file: secrets/ids }`.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::str::FromStr;

use super::{FilePath, Refusal};
use crate::config::decode::{Context, Decode, TextValue, text_values};
use crate::config::section::section;
use crate::config::shape::Shape;
use crate::config::tree::Node;
use crate::diagnostic::Diagnostic;

/// Largest secret that is read, in bytes.
const MAX_SIZE: u64 = 64 * 1024;

/// A secret, read when the configuration is loaded. The first section that has one makes its file a part of what `reload` compares byte
/// by byte, or a new secret in the same file would be taken for no change. `Debug` and `--show` tell where it is from, never what it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    source: SecretSource,
    value: String,
}

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
    /// The secret itself. For the one place that needs it; it must not reach a log line or a message.
    pub fn reveal(&self) -> &str {
        &self.value
    }
}

impl SecretSource {
    fn read(&self) -> Result<String, String> {
        let text = match (&self.env, &self.file) {
            (Some(name), _) => std::env::var(&name.0).map_err(|_| {
                format!("the environment variable `{name}` is not set, or not UTF-8")
            })?,
            (None, Some(file)) => {
                let mut text = String::new();
                File::open(file)
                    .and_then(|open| open.take(MAX_SIZE + 1).read_to_string(&mut text))
                    .map_err(|error| format!("the file `{file}` cannot be read: {error}"))?;
                text
            }
            (None, None) => String::new(),
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() || text.len() as u64 > MAX_SIZE {
            return Err("the secret is empty, or larger than 64 KiB".to_owned());
        }
        Ok(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("source", &self.source)
            .finish_non_exhaustive()
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
        let source = SecretSource::decode(node, cx)?;
        match source.read() {
            Ok(value) => Some(Self { source, value }),
            Err(reason) => {
                cx.refuse(
                    node.place,
                    reason,
                    "name a variable or file that holds the secret",
                );
                None
            }
        }
    }

    fn shape() -> Shape {
        SecretSource::shape()
    }

    fn encode(&self) -> serde_json::Value {
        self.source.encode()
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
        secret.ok_or_else(|| cx.found.iter().map(|found| format!("{found:?}")).collect())
    }

    #[test]
    fn a_secret_is_read_from_its_file_and_never_printed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ids"), "hunter2\n").unwrap();
        let secret = decode("secret: { file: ids }", folder.path()).unwrap();
        assert_eq!(secret.reveal(), "hunter2");
        assert!(!format!("{secret:?} {}", secret.encode()).contains("hunter2"));
    }

    #[test]
    fn a_secret_in_the_file_itself_is_refused_without_repeating_it() {
        let folder = tempfile::tempdir().unwrap();
        for yaml in [
            "secret: hunter2!",
            "secret: { env: 'hunter2!' }",
            "secret: {}",
            "secret: { file: missing }",
        ] {
            let error = decode(yaml, folder.path()).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
