//! The side of the new process.
//!
//! ```ignore
//! let mut old = Predecessor::meet(&socket).await?;
//! let sockets = old.take_sockets();
//! // ... compile, bind ...
//! let heritage = old.release().await?;
//! // ... restore, accept ...
//! let remains = old.serving().await?;
//! ```

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;

use tokio::net::UnixStream;

use super::{Failed, Greeting, Hello, Heritage, Socket, Word, same_user, wire};
use crate::limits::interactions::Key;

/// The process that runs, waiting for what becomes of its successor.
pub struct Predecessor {
    stream: UnixStream,
    hello: Hello,
    sockets: Vec<Socket>,
    admin: Option<(SocketAddr, OwnedFd)>,
    key: Key,
}

impl Predecessor {
    /// Introduces this process to the one that waits at `socket`, and takes copies of its listening sockets.
    ///
    /// # Errors
    /// Nobody waits there, or it is not to be understood.
    pub async fn meet(socket: &Path) -> Result<Predecessor, Failed> {
        let mut stream = UnixStream::connect(socket).await?;
        same_user(&stream)?;
        wire::send(&mut stream, &Hello::ours()).await?;
        let greeting: Greeting = wire::receive(&mut stream).await?;
        let hello = greeting.hello;
        hello.understood()?;
        let count = greeting.listeners.len() + 1;
        let mut descriptors = wire::receive_descriptors(&stream, count).await?;
        let admin = descriptors.pop().map(|socket| (greeting.admin, socket));
        Ok(Predecessor {
            stream,
            hello,
            sockets: greeting.listeners.into_iter().zip(descriptors).collect(),
            admin,
            key: greeting.key,
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.hello.pid
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.hello.version
    }

    /// The key under which it remembers chats.
    pub fn key(&self) -> Key {
        self.key
    }

    /// Its public listeners.
    pub fn take_sockets(&mut self) -> Vec<Socket> {
        std::mem::take(&mut self.sockets)
    }

    /// Its admin listener, if it is where the file wants it.
    pub fn take_admin(&mut self, wanted: SocketAddr) -> Option<OwnedFd> {
        self.admin
            .take_if(|(listens, _)| *listens == wanted)
            .map(|(_, socket)| socket)
    }

    /// Says that everything is ready. From the answer on the old process accepts nothing.
    ///
    /// # Errors
    /// It has gone.
    pub async fn release(&mut self) -> Result<Heritage, Failed> {
        wire::send(&mut self.stream, &Word::Ready).await?;
        wire::receive(&mut self.stream).await
    }

    /// Says that this process accepts. The old one ends when its connections have.
    ///
    /// # Errors
    /// It has gone.
    pub async fn serving(mut self) -> Result<Remains, Failed> {
        wire::send(&mut self.stream, &Word::Serving).await?;
        Ok(Remains {
            stream: self.stream,
            pid: self.hello.pid,
        })
    }
}

/// What is left of the old process: connections that finish.
pub struct Remains {
    stream: UnixStream,
    pid: u32,
}

impl Remains {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for its next report: how many connections have yet to finish. `None`: it has ended.
    pub async fn report(&mut self) -> Option<usize> {
        match wire::receive_whenever(&mut self.stream).await {
            Ok(Word::Draining(connections)) => Some(connections),
            Ok(_) | Err(_) => None,
        }
    }
}
