//! From a target to the file that answers it: index files, precompressed variants, file types.

use super::encoding::{Accepted, Encoding};
use super::name::Target;
use super::representation::{Content, Representation};
use super::root::Root;
use super::validator::Stamp;
use crate::observe::line::Quoted;
use http::HeaderMap;
use rustix::io::Errno;
use std::fs::File;
use std::io;

/// What stands for a directory, in this order.
const INDEXES: [&str; 2] = ["index.html", "index.htm"];

/// What there is at a target.
#[derive(Debug)]
pub(super) enum Found {
    /// A file, by this name beneath the root.
    File {
        name: String,
        representation: Representation,
    },
    /// A directory that was asked for without its slash.
    Directory,
    /// Nothing that is served.
    Nothing,
}

enum Opened {
    Regular { file: File, stamp: Stamp },
    Directory,
    Nothing,
}

/// Looks a target up. Blocks on the disk.
///
/// # Errors
/// What the disk said, when it was not simply that there is nothing.
pub(super) fn find(root: &Root, target: &Target, asked: &HeaderMap) -> io::Result<Found> {
    if !target.is_directory() {
        let name = target.name().to_owned();
        return Ok(match open(root, &name)? {
            Opened::Regular { file, stamp } => Found::File {
                representation: choose(root, &name, file, stamp, asked)?,
                name,
            },
            Opened::Directory => Found::Directory,
            Opened::Nothing => Found::Nothing,
        });
    }
    for index in INDEXES {
        let name = if target.name().is_empty() {
            index.to_owned()
        } else {
            [target.name(), "/", index].concat()
        };
        if let Opened::Regular { file, stamp } = open(root, &name)? {
            return Ok(Found::File {
                representation: choose(root, &name, file, stamp, asked)?,
                name,
            });
        }
    }
    Ok(Found::Nothing)
}

/// The file itself, or a precompressed variant beside it that the client prefers.
///
/// A variant that is older than the file was made from an earlier one and is not used.
fn choose(
    root: &Root,
    name: &str,
    file: File,
    stamp: Stamp,
    asked: &HeaderMap,
) -> io::Result<Representation> {
    for encoding in Accepted::from_headers(asked).by_preference() {
        if let Opened::Regular {
            file,
            stamp: variant,
        } = open(root, &[name, encoding.extension()].concat())?
            && variant.seconds() >= stamp.seconds()
        {
            return Ok(representation(name, file, variant, Some(encoding)));
        }
    }
    Ok(representation(name, file, stamp, None))
}

fn representation(
    name: &str,
    file: File,
    stamp: Stamp,
    encoding: Option<Encoding>,
) -> Representation {
    Representation {
        media_type: super::media_type::of(name),
        etag: stamp.etag(encoding),
        modified: stamp.modified(),
        length: stamp.length(),
        encoding,
        varies: true,
        content: Content::File(file),
    }
}

fn open(root: &Root, name: &str) -> io::Result<Opened> {
    let file = match root.open_beneath(name) {
        Ok(file) => file,
        Err(error) if means_nothing(&error) => {
            if error.kind() == io::ErrorKind::PermissionDenied {
                log::info!(
                    "the file {} is there, but its permissions keep the gateway from reading it",
                    Quoted(name)
                );
            }
            return Ok(Opened::Nothing);
        }
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    Ok(if metadata.is_file() {
        Opened::Regular {
            stamp: Stamp::of(&metadata),
            file,
        }
    } else if metadata.is_dir() {
        Opened::Directory
    } else {
        Opened::Nothing
    })
}

/// Errors that say there is nothing for a client here, a link out of the root (`XDEV`) among them.
fn means_nothing(error: &io::Error) -> bool {
    const NOTHING: [Errno; 8] = [
        Errno::NOENT,
        Errno::NOTDIR,
        Errno::LOOP,
        Errno::XDEV,
        Errno::ACCESS,
        Errno::NAMETOOLONG,
        Errno::NXIO,
        Errno::NODEV,
    ];
    Errno::from_io_error(error).is_some_and(|errno| NOTHING.contains(&errno))
}
