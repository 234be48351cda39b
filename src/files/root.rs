//! The site's root: opening a name beneath it and nowhere else.
//!
//! On Linux the kernel does the lookup beneath the root (`openat2` with `RESOLVE_BENEATH`, since 5.6): a link may lead around inside the
//! root, as mounted configuration maps and release directories need it, and any link out of it fails, without a moment between check
//! and use. Where that call is missing or filtered, each segment is opened by itself and no link is followed at all.

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// SECURITY: `NONBLOCK` lets the open of a FIFO return at once, `NOCTTY` keeps a terminal from becoming ours; what was opened is looked
/// at before a byte is read.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

#[cfg(target_os = "linux")]
const STEP: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const STEP: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
}

impl Root {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let root = Root {
            path: std::path::absolute(path)?,
        };
        root.directory()?;
        Ok(root)
    }

    /// Opens `name` (segments separated by slashes, not empty, checked by `Target`) for reading. It may be of any file type.
    pub(super) fn open_beneath(&self, name: &str) -> io::Result<File> {
        // A root that has gone is the operator's mistake and not "no such file", so the error loses its kind.
        let root = self
            .directory()
            .map_err(|error| io::Error::other(format!("the site's root: {error}")))?;
        #[cfg(target_os = "linux")]
        match beneath(root.as_fd(), name) {
            // No such call in this kernel, or a container's filter refuses it.
            Err(Errno::NOSYS | Errno::PERM) => {}
            opened => return Ok(File::from(opened?)),
        }
        Ok(File::from(step_by_step(root, name)?))
    }

    fn directory(&self) -> io::Result<OwnedFd> {
        Ok(openat(CWD, &self.path, STEP, Mode::empty())?)
    }
}

#[cfg(target_os = "linux")]
fn beneath(root: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};
    const TRIES: usize = 8;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let mut opened = Err(Errno::AGAIN);
    for _ in 0..TRIES {
        opened = openat2(root, name, READ, Mode::empty(), resolve);
        // openat2(2): EAGAIN when a rename elsewhere kept the kernel from being sure that a `..` of a link stayed beneath.
        if !matches!(opened, Err(Errno::AGAIN | Errno::INTR)) {
            break;
        }
    }
    opened
}

fn step_by_step(root: OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let mut directory = root;
    let mut segments = name.split('/').peekable();
    while let Some(segment) = segments.next() {
        let flags = if segments.peek().is_some() {
            STEP
        } else {
            READ
        };
        let next = openat(&directory, segment, flags | OFlags::NOFOLLOW, Mode::empty())?;
        directory = next;
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    #[test]
    fn without_the_kernels_help_no_link_is_followed() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "secret").unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::write(dir.path().join("a/b/c"), "plain").unwrap();
        symlink(outside.path(), dir.path().join("a/out")).unwrap();
        symlink("b/c", dir.path().join("a/in")).unwrap();
        symlink(outside.path().join("secret"), dir.path().join("a/b/s")).unwrap();
        let open =
            |name: &str| step_by_step(Root::open(dir.path()).unwrap().directory().unwrap(), name);
        let mut text = String::new();
        File::from(open("a/b/c").unwrap())
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "plain");
        for name in [
            "a/out/secret",
            "a/in",
            "a/b/s",
            "a/b/c/d",
            "nothing",
            "a/out",
        ] {
            assert!(open(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_root_that_is_not_a_directory_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Root::open(file.path()).is_err());
        assert!(Root::open(&file.path().join("x")).is_err());
    }
}
