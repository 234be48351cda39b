//! Paths of files and folders on this machine.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Refusal;
use crate::config::decode::{Context, Decode, text};
use crate::config::shape::Shape;
use crate::config::tree::Node;

/// A file or folder. A relative path starts from the folder of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FilePath {
    text: String,
    path: PathBuf,
}

impl FilePath {
    /// Resolves `text` against `folder`.
    ///
    /// # Errors
    /// The text is empty, has a NUL or control character, is longer than 4096 bytes, or begins with `~`, which only shells understand.
    pub fn resolve(text: &str, folder: &Path) -> Result<Self, Refusal> {
        const WORDS: &str = "write for example `tls/proxy.pem` (relative to the configuration file) or `/etc/portcullis/proxy.pem`";
        if text.is_empty() || text.len() > 4096 || text.chars().any(char::is_control) {
            return Err(Refusal::new(
                "the path is empty, too long, or has control characters",
                WORDS,
            ));
        }
        if text.starts_with('~') {
            return Err(Refusal::new("`~` is only understood by shells", WORDS));
        }
        Ok(Self {
            text: text.to_owned(),
            path: folder.join(text),
        })
    }

    /// The path as it is written in the file.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path to open.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl AsRef<Path> for FilePath {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Decode for FilePath {
    fn decode(node: &Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let text = text(node, "file path", "tls/proxy.pem", cx)?;
        match Self::resolve(text, cx.folder) {
            Ok(path) => Some(path),
            Err(refusal) => {
                cx.note(refusal.at(node.place, "file path"));
                None
            }
        }
    }

    fn shape() -> Shape {
        let schema = serde_json::json!({ "type": "string", "minLength": 1, "maxLength": 4096, "pattern": "^[^~]" });
        Shape::value("file path", "tls/proxy.pem", schema)
    }

    fn encode(&self) -> serde_json::Value {
        self.text.clone().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_start_from_the_folder_of_the_configuration() {
        let folder = Path::new("/etc/portcullis");
        for (text, expected) in [
            ("tls/a.pem", "/etc/portcullis/tls/a.pem"),
            ("/srv/www", "/srv/www"),
        ] {
            assert_eq!(
                FilePath::resolve(text, folder).unwrap().path(),
                Path::new(expected)
            );
        }
        for text in ["", "~/a.pem", "a\0b", "a\nb"] {
            assert!(FilePath::resolve(text, folder).is_err(), "{text:?}");
        }
    }
}
