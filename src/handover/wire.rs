//! Frames and descriptors over the Unix socket. A frame is a length in four bytes and JSON.
//!
//! ```ignore
//! wire::send(&mut stream, &Word::Ready).await?;
//! let word: Word = wire::receive(&mut stream).await?;
//! ```

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::{Failed, PATIENCE};

/// Far more than a full table of bans and chats takes.
const LONGEST: u32 = 1 << 30;
/// Descriptors in one message; the kernel allows 253 (SCM_MAX_FD).
const AT_ONCE: usize = 64;
/// More listeners than anybody has.
const MOST: usize = 4096;

pub(super) async fn send(stream: &mut UnixStream, what: &impl Serialize) -> Result<(), Failed> {
    let body = serde_json::to_vec(what).map_err(|error| Failed::Language(error.to_string()))?;
    let length = u32::try_from(body.len()).ok().filter(|len| *len <= LONGEST);
    let length = length.ok_or_else(|| Failed::Language("too much to say".to_owned()))?;
    within(async {
        stream.write_all(&length.to_be_bytes()).await?;
        stream.write_all(&body).await
    })
    .await
}

pub(super) async fn receive<T: DeserializeOwned>(stream: &mut UnixStream) -> Result<T, Failed> {
    within(frame(stream)).await.and_then(read)
}

/// The same without a limit of time.
pub(super) async fn receive_whenever<T: DeserializeOwned>(
    stream: &mut UnixStream,
) -> Result<T, Failed> {
    read(frame(stream).await?)
}

async fn frame(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    if length > LONGEST {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a frame too long",
        ));
    }
    let mut body = Vec::new();
    // Grows as it comes: a length alone reserves nothing.
    let read = stream
        .take(u64::from(length))
        .read_to_end(&mut body)
        .await?;
    match read == length as usize {
        true => Ok(body),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn read<T: DeserializeOwned>(body: Vec<u8>) -> Result<T, Failed> {
    // SECURITY: the error names a place and never what stands there.
    let unreadable = |error: serde_json::Error| {
        Failed::Language(format!("line {} column {}", error.line(), error.column()))
    };
    serde_json::from_slice(&body).map_err(unreadable)
}

pub(super) async fn send_descriptors(
    stream: &UnixStream,
    descriptors: &[OwnedFd],
) -> Result<(), Failed> {
    for some in descriptors.chunks(AT_ONCE) {
        let some: Vec<BorrowedFd<'_>> = some.iter().map(AsFd::as_fd).collect();
        within(stream.async_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(AT_ONCE))];
            let mut message = SendAncillaryBuffer::new(&mut space);
            message.push(SendAncillaryMessage::ScmRights(&some));
            sendmsg(
                stream,
                &[IoSlice::new(b"d")],
                &mut message,
                SendFlags::NOSIGNAL,
            )?;
            Ok(())
        }))
        .await?;
    }
    Ok(())
}

pub(super) async fn receive_descriptors(
    stream: &UnixStream,
    count: usize,
) -> Result<Vec<OwnedFd>, Failed> {
    if count > MOST {
        return Err(Failed::Language(format!("{count} listeners")));
    }
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let before = all.len();
        within(stream.async_io(Interest::READABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(AT_ONCE))];
            let mut message = RecvAncillaryBuffer::new(&mut space);
            let mut byte = [0];
            recvmsg(
                stream,
                &mut [IoSliceMut::new(&mut byte)],
                &mut message,
                RecvFlags::CMSG_CLOEXEC,
            )?;
            for part in message.drain() {
                if let RecvAncillaryMessage::ScmRights(descriptors) = part {
                    all.extend(descriptors);
                }
            }
            Ok(())
        }))
        .await?;
        if all.len() == before {
            return Err(Failed::Language("descriptors that did not come".to_owned()));
        }
    }
    Ok(all)
}

async fn within<T>(step: impl Future<Output = io::Result<T>>) -> Result<T, Failed> {
    match timeout(PATIENCE, step).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Failed::Silent),
    }
}
