//! Files of certificates, keys and other secrets, each read once: what is compiled and what [`Contents`] remembers are the same bytes.
//!
//! ```no_run
//! # use std::path::Path;
//! use portcullis::upstream::tls::TlsFiles;
//! let files = TlsFiles::default();
//! let (chain, key) = files.key_pair(Path::new("tls/edge.pem"), Path::new("tls/edge.key"))?;
//! let contents = files.contents();
//! assert!(contents.are_unchanged());
//! # Ok::<(), portcullis::upstream::tls::TlsFileError>(())
//! ```

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use openssl::asn1::Asn1Time;
use openssl::pkey::{PKey, Private};
use openssl::sha::sha256;
use openssl::x509::X509;

use super::{ClientIdentity, TlsFileError, Trust, digest_of, identity_of};
use crate::regular_file;

/// Far more than every authority of the world in one file, in bytes.
const MAX_FILE_SIZE: u64 = 16 << 20;

/// Reads files of certificates and keys.
#[derive(Default)]
pub struct TlsFiles {
    read: RefCell<HashMap<PathBuf, Read>>,
    /// PERF: one authority vouches for thousands of servers, which then share its certificates.
    trusts: RefCell<HashMap<PathBuf, Trust>>,
    contents: RefCell<Contents>,
}

/// The bytes of a file, shared by all who name it.
type Read = Result<Rc<[u8]>, Unread>;

/// Why a file could not be read. Kept, so that a file is the same for all who name it.
#[derive(Clone)]
struct Unread {
    kind: io::ErrorKind,
    why: String,
}

/// Digests of every file that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents(BTreeMap<PathBuf, Content>);

/// What is remembered of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    digest: [u8; 32],
    /// Whose certificate comes first in it, and until when it is good.
    about: Option<String>,
    /// Until when that is, in seconds since 1970.
    until: Option<i64>,
    /// It may be a text that somebody has thought up.
    secret: bool,
}

impl TlsFiles {
    /// What has been read so far.
    pub fn contents(self) -> Contents {
        self.contents.into_inner()
    }

    /// Whether a file is what it was then. Reads it, so that it is among the contents.
    pub fn is_as_in(&self, then: &Contents, path: &Path) -> bool {
        self.read(path).is_ok() && self.contents.borrow().agree_on(then, path)
    }

    fn read(&self, path: &Path) -> Result<Rc<[u8]>, TlsFileError> {
        let mut read = self.read.borrow_mut();
        let bytes = match read.get(path) {
            Some(known) => known.clone(),
            None => {
                let fresh = regular_file::read(path, MAX_FILE_SIZE)
                    .map(Rc::from)
                    .map_err(|error| Unread {
                        kind: error.kind(),
                        why: error.to_string(),
                    });
                if let Ok(bytes) = &fresh {
                    self.contents.borrow_mut().note(path, bytes);
                }
                read.insert(path.to_owned(), fresh.clone());
                fresh
            }
        };
        bytes.map_err(|unread| TlsFileError::Unreadable {
            path: path.display().to_string(),
            source: io::Error::new(unread.kind, unread.why),
        })
    }

    /// All certificates of a PEM file, in its order.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate.
    pub fn certificates(&self, path: &Path) -> Result<Vec<X509>, TlsFileError> {
        let found = X509::stack_from_pem(&self.read(path)?).unwrap_or_default();
        let Some(first) = found.first() else {
            return Err(TlsFileError::NoCertificate {
                path: path.display().to_string(),
            });
        };
        self.contents.borrow_mut().describe(path, first);
        Ok(found)
    }

    /// What is in the file of a secret that is no key.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn secret(&self, path: &Path) -> Result<Rc<[u8]>, TlsFileError> {
        let bytes = self.read(path)?;
        self.contents.borrow_mut().keep_secret(path);
        Ok(bytes)
    }

    /// A certificate chain and the key that belongs to its first certificate.
    ///
    /// # Errors
    /// A file cannot be read, holds nothing of use, or the two do not match.
    pub fn key_pair(
        &self,
        cert: &Path,
        key: &Path,
    ) -> Result<(Vec<X509>, PKey<Private>), TlsFileError> {
        let chain = self.certificates(cert)?;
        let private = self.private_key(key)?;
        let belongs = chain
            .first()
            .and_then(|leaf| leaf.public_key().ok())
            .is_some_and(|public| public.public_eq(&private));
        if !belongs {
            return Err(TlsFileError::Mismatch {
                cert: cert.display().to_string(),
                key: key.display().to_string(),
            });
        }
        Ok((chain, private))
    }

    /// The private key of a PEM file.
    ///
    /// # Errors
    /// The file cannot be read, or holds no key, or one with a password.
    pub fn private_key(&self, path: &Path) -> Result<PKey<Private>, TlsFileError> {
        // SECURITY: an empty password given by callback, so that a protected key never asks on the terminal of a service.
        PKey::private_key_from_pem_callback(&self.read(path)?, |_| Ok(0)).map_err(|_| {
            TlsFileError::NoKey {
                path: path.display().to_string(),
            }
        })
    }

    /// Reads the CAs (or the self-signed certificate) that vouch for a server.
    ///
    /// # Errors
    /// As [`TlsFiles::certificates`].
    pub fn trust(&self, path: &Path) -> Result<Trust, TlsFileError> {
        if let Some(known) = self.trusts.borrow().get(path) {
            return Ok(known.clone());
        }
        let roots = self.certificates(path)?;
        let trust = Trust {
            digest: digest_of(&roots),
            roots: Arc::new(roots.into_boxed_slice()),
        };
        self.trusts
            .borrow_mut()
            .insert(path.to_owned(), trust.clone());
        Ok(trust)
    }

    /// Reads our identity towards a server.
    ///
    /// # Errors
    /// As [`TlsFiles::key_pair`].
    pub fn identity(&self, cert: &Path, key: &Path) -> Result<ClientIdentity, TlsFileError> {
        let (chain, private) = self.key_pair(cert, key)?;
        Ok(identity_of(chain, private))
    }
}

impl Contents {
    fn note(&mut self, path: &Path, bytes: &[u8]) {
        let digest = sha256(bytes);
        self.0.insert(
            path.to_owned(),
            Content {
                digest,
                about: None,
                until: X509::from_pem(bytes).ok().and_then(|leaf| until(&leaf)),
                secret: false,
            },
        );
    }

    fn describe(&mut self, path: &Path, leaf: &X509) {
        if let Some(content) = self.0.get_mut(path)
            && content.about.is_none()
        {
            content.about = Some(about(leaf));
        }
    }

    fn keep_secret(&mut self, path: &Path) {
        if let Some(content) = self.0.get_mut(path) {
            content.secret = true;
        }
    }

    /// Whether every file is still what it was. Reads them all.
    pub fn are_unchanged(&self) -> bool {
        self.0.iter().all(|(path, content)| {
            regular_file::read(path, MAX_FILE_SIZE)
                .is_ok_and(|bytes| sha256(&bytes) == content.digest)
        })
    }

    /// Whether a file is there with the same bytes in both, or in neither.
    pub fn agree_on(&self, other: &Contents, path: &Path) -> bool {
        self.digest(path) == other.digest(path)
    }

    /// Files that are in both with different bytes, each with whose certificate it now holds.
    pub fn replaced_in<'n>(&self, now: &'n Contents) -> Vec<(&'n Path, Option<&'n str>)> {
        let changed = |(path, _): &(&PathBuf, &Content)| {
            self.0.contains_key(*path) && !self.agree_on(now, path)
        };
        now.0
            .iter()
            .filter(changed)
            .map(|(path, content)| (path.as_path(), content.about.as_deref()))
            .collect()
    }

    /// The files with certificates, and until when the first of each is good, in seconds since 1970.
    pub fn expiries(&self) -> impl Iterator<Item = (&Path, i64)> {
        let until = |(path, content): (_, &Content)| Some((PathBuf::as_path(path), content.until?));
        self.0.iter().filter_map(until)
    }

    /// The digests, in the order of the files' names. SECURITY: they are published, so nothing is among them that could be guessed from
    /// its digest: keys cannot, what somebody has thought up can.
    pub fn digests(&self) -> impl Iterator<Item = &[u8; 32]> {
        let published = self.0.values().filter(|content| !content.secret);
        published.map(|content| &content.digest)
    }

    fn digest(&self, path: &Path) -> Option<&[u8; 32]> {
        self.0.get(path).map(|content| &content.digest)
    }
}

fn until(leaf: &X509) -> Option<i64> {
    let since = Asn1Time::from_unix(0).ok()?.diff(leaf.not_after()).ok()?;
    Some(i64::from(since.days) * 86_400 + i64::from(since.secs))
}

/// Whose a certificate is and until when, as an operator knows it.
fn about(leaf: &X509) -> String {
    let names = leaf.subject_name();
    let common = names
        .entries_by_nid(openssl::nid::Nid::COMMONNAME)
        .next()
        .and_then(|entry| entry.data().to_string().ok());
    let name = common.or_else(|| {
        let sans = leaf.subject_alt_names()?;
        sans.iter().find_map(|san| san.dnsname().map(str::to_owned))
    });
    // What is in a certificate is anybody's text until somebody has checked it.
    let name: String = name
        .unwrap_or_else(|| "nobody".to_owned())
        .chars()
        .filter(|letter| !letter.is_control())
        .take(100)
        .collect();
    format!("{name}, until {}", leaf.not_after())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_time_of_change_is_no_change_and_another_byte_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pem");
        std::fs::write(&path, "one").unwrap();
        let files = TlsFiles::default();
        assert!(files.certificates(&path).is_err());
        let before = files.contents();
        std::fs::write(&path, "one").unwrap();
        assert!(before.are_unchanged());
        std::fs::write(&path, "two").unwrap();
        assert!(!before.are_unchanged());
        let files = TlsFiles::default();
        assert!(files.certificates(&path).is_err());
        let now = files.contents();
        assert_eq!(before.replaced_in(&now), [(path.as_path(), None)]);
        std::fs::remove_file(&path).unwrap();
        assert!(!before.are_unchanged());
    }

    #[test]
    fn a_file_is_read_once_however_many_name_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pem");
        let files = TlsFiles::default();
        let missing = files.certificates(&path).unwrap_err().to_string();
        std::fs::write(&path, "there by now").unwrap();
        assert_eq!(files.certificates(&path).unwrap_err().to_string(), missing);
    }
}
