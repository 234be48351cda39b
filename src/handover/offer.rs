//! The side of the process that runs.
//!
//! ```ignore
//! let offer = Offer::open(&socket).await?;
//! let successor = offer.accept().await;
//! // ... see `Server::hand_over` ...
//! ```

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::{Failed, Greeting, Hello, Heritage, Socket, Word, same_user, wire};
use crate::limits::interactions::Key;

/// How long a successor may take from what is remembered to its first accept: some milliseconds of work.
const HASTE: std::time::Duration = std::time::Duration::from_secs(10);

/// Where a successor is awaited.
pub struct Offer {
    listener: UnixListener,
    path: PathBuf,
}

impl Offer {
    /// Waits at `path`. What a process that is gone has left there is removed.
    ///
    /// # Errors
    /// Another process waits there, or the folder is not there or not ours.
    pub async fn open(path: &Path) -> io::Result<Offer> {
        if UnixStream::connect(path).await.is_ok() {
            let why = "another gateway waits there for a successor";
            return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
        }
        Offer::replace(path)
    }

    /// The same after the process that waits there has handed over.
    ///
    /// # Errors
    /// The folder is not there or not ours, or something that is no socket is in the way.
    pub fn replace(path: &Path) -> io::Result<Offer> {
        match std::fs::symlink_metadata(path) {
            Ok(there) if there.file_type().is_socket() => std::fs::remove_file(path)?,
            Ok(_) => {
                let why = "something that is no socket is in the way";
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
            }
            Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Offer {
            listener,
            path: path.to_owned(),
        })
    }

    /// Where that is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits no more, and leaves nothing behind. Not for a process that has handed over: its successor waits at the same place.
    pub fn withdraw(self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// A process of the same user that wants to take over.
    pub async fn accept(&self) -> Successor {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => match same_user(&stream) {
                    Ok(()) => {
                        return Successor {
                            stream,
                            hello: None,
                        };
                    }
                    Err(error) => log::warn!("nothing was handed over: {error}"),
                },
                Err(error) => {
                    log::error!("cannot accept on {}: {error}", self.path.display());
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    }
}

/// A process that wants to take over.
pub struct Successor {
    stream: UnixStream,
    hello: Option<Hello>,
}

impl Successor {
    /// Its process id, once it has introduced itself.
    pub fn pid(&self) -> u32 {
        self.hello.as_ref().map_or(0, |hello| hello.pid)
    }

    /// Hears who it is.
    ///
    /// # Errors
    /// It has gone, or it is not to be understood.
    pub async fn introduced(&mut self) -> Result<(), Failed> {
        let hello: Hello = wire::receive(&mut self.stream).await?;
        self.hello = Some(hello);
        Ok(())
    }

    /// Gives it the sockets.
    ///
    /// # Errors
    /// It has gone, or its version cannot take over from this one.
    pub async fn greet(
        &mut self,
        sockets: Vec<Socket>,
        admin: (SocketAddr, OwnedFd),
        key: Key,
    ) -> Result<(), Failed> {
        let (listeners, mut descriptors): (Vec<_>, Vec<_>) = sockets.into_iter().unzip();
        let greeting = Greeting {
            hello: Hello::ours(),
            listeners,
            admin: admin.0,
            key,
        };
        descriptors.push(admin.1);
        // Also to one that is not understood: it can then say what the difference is.
        wire::send(&mut self.stream, &greeting).await?;
        self.hello.as_ref().map_or(Ok(()), Hello::understood)?;
        wire::send_descriptors(&self.stream, &descriptors).await
    }

    /// Waits until it has everything but the last word.
    ///
    /// # Errors
    /// It has gone: its own log says why.
    pub async fn ready(&mut self) -> Result<(), Failed> {
        self.expect(Word::Ready).await
    }

    /// Tells it what is remembered, and waits until it accepts.
    ///
    /// # Errors
    /// It has gone.
    pub async fn serving(&mut self, heritage: &Heritage) -> Result<(), Failed> {
        wire::send(&mut self.stream, heritage).await?;
        // Meanwhile nobody accepts: whoever cannot do it at once shall not keep clients waiting.
        let served = timeout(HASTE, self.expect(Word::Serving)).await;
        served.unwrap_or(Err(Failed::Silent))
    }

    /// Tells it how many connections have yet to finish. False: it has gone, or does not listen.
    pub async fn report(&mut self, connections: usize) -> bool {
        let report = Word::Draining(connections);
        wire::send(&mut self.stream, &report).await.is_ok()
    }

    async fn expect(&mut self, word: Word) -> Result<(), Failed> {
        let said: Word = wire::receive(&mut self.stream).await?;
        match said == word {
            true => Ok(()),
            false => Err(Failed::Language(format!("{said:?} instead of {word:?}"))),
        }
    }
}
