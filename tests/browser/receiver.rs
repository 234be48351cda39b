//! A tiny HTTP/1.1 server behind the gateway that takes the page's report: any request with a body is one.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// The largest report that is read, in bytes.
const LARGEST: usize = 1024 * 1024;

/// Listens on a port from the system and hands every body it gets to the channel. The thread lives as long as the test.
pub fn listen() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (reports, receiver) = sync_channel(8);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that brings no report (a health probe) is nothing to fail for; the deadline of the test is.
            let _ = take_report(&stream, &reports);
        }
    });
    (address, receiver)
}

fn take_report(mut stream: &TcpStream, reports: &SyncSender<String>) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(Error::other)?;
        }
    }
    if length > LARGEST {
        return Err(ErrorKind::FileTooLarge.into());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")?;
    if length > 0 {
        reports
            .send(String::from_utf8(body).map_err(Error::other)?)
            .map_err(Error::other)?;
    }
    Ok(())
}
