//! Large bodies: uploads that are hashed as they arrive, and downloads of any size.
//!
//! ```text
//! POST /icws/1234/interactions/1001/chat/send-file   ->  {"size":3000000,"sha256":"..."}
//! ```

use std::io;

use openssl::sha::Sha256;
use serde_json::json;

use super::answer;
use crate::wire::{Exchange, Reply};

/// Largest download in bytes.
const MAX_DOWNLOAD: u64 = 4 * 1024 * 1024 * 1024;

/// Whether a path is one that takes a file.
pub(super) fn is_upload(path: &[&str]) -> bool {
    matches!(
        path,
        ["interactions", _, "chat", "send-file"]
            | ["interactions", "email", .., "upload"]
            | ["response-management", "file"]
    )
}

/// Reads the file to its end; answers its size and SHA-256. An email attachment is 202, as documented.
pub(super) async fn upload(exchange: &mut Exchange<'_>, path: &[&str]) -> io::Result<()> {
    let (mut hash, mut size) = (Sha256::new(), 0);
    while let Some(piece) = exchange.next_piece().await? {
        hash.update(&piece);
        size += piece.len() as u64;
    }
    let digest: String = hash
        .finish()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let status = if path.contains(&"email") { 202 } else { 200 };
    exchange
        .reply(answer::json(
            status,
            &json!({"size": size, "sha256": digest}),
        ))
        .await
}

/// Sends this many bytes, chunked, each byte the low eight bits of its place.
pub(super) async fn download(exchange: &mut Exchange<'_>, size: &str) -> io::Result<()> {
    let Some(size) = size.parse().ok().filter(|&size: &u64| size <= MAX_DOWNLOAD) else {
        return exchange
            .reply(answer::malformed(
                "The size is not a number of bytes up to 4 GiB.",
            ))
            .await;
    };
    let head = Reply::new(200).header("Content-Type", "application/octet-stream");
    let mut writer = exchange.stream(head).await?;
    // 16384 is a multiple of 256, so every piece begins with a zero byte again.
    let piece: Vec<u8> = (0..16 * 1024)
        .map(|place: u32| place.to_le_bytes()[0])
        .collect();
    let mut left = size;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        writer.send(piece.get(..now).unwrap_or_default()).await?;
        left -= now as u64;
    }
    writer.finish().await
}
