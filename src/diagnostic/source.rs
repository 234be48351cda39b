//! The text of a configuration file, kept as long as somebody may have to point into it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Diagnostic, Place};
use crate::regular_file;

/// Largest configuration file that is read, in bytes: room for 10,000 hosts with ten generously written routes each.
pub const MAX_FILE_SIZE: u64 = 16 * 1024 * 1024;

/// A configuration file: its name as the operator gave it, its folder and its text. Clones share the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    folder: PathBuf,
    text: Arc<str>,
}

impl Source {
    /// A source whose text is already in memory. Relative paths in it are relative to `folder`.
    pub fn new(
        name: impl Into<String>,
        folder: impl Into<PathBuf>,
        text: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            name: name.into(),
            folder: folder.into(),
            text: text.into(),
        }
    }

    /// Reads a regular file of at most [`MAX_FILE_SIZE`] bytes of UTF-8.
    ///
    /// # Errors
    /// A [`Report`](super::Report) of one diagnostic: the file cannot be read, is too large, or is not UTF-8.
    pub fn read(path: &Path) -> Result<Self, super::Report> {
        let name = path.display().to_string();
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let refuse = |diagnostic| {
            super::Report::new(
                Self::new(name.clone(), folder.clone(), ""),
                vec![diagnostic],
            )
        };
        let bytes = regular_file::read(path, MAX_FILE_SIZE).map_err(|error| {
            refuse(
                Diagnostic::new(None, format!("the file cannot be read: {error}"))
                    .remedy("name the configuration file with `-c FILE`"),
            )
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default());
            let line = before.matches('\n').count() + 1;
            refuse(
                Diagnostic::new(None, format!("the file is not UTF-8 in line {line}"))
                    .remedy("save the file with the encoding UTF-8"),
            )
        })?;
        // A byte order mark at the beginning says nothing about UTF-8 and would shift the columns of the first line.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        Ok(Self::new(name, folder, text))
    }

    /// The name the operator gave the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder that relative paths in the file start from; empty for the working directory.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The digest of the text.
    pub fn digest(&self) -> [u8; 32] {
        openssl::sha::sha256(self.text.as_bytes())
    }

    /// The text at `place`, as it is written in the file.
    pub fn at(&self, place: Place) -> Option<String> {
        let line = self
            .text
            .lines()
            .nth((place.line as usize).checked_sub(1)?)?;
        let start = (place.column as usize).checked_sub(1)?;
        Some(
            line.chars()
                .skip(start)
                .take(place.length as usize)
                .collect(),
        )
    }
}
