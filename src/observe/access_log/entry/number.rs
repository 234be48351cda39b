//! Numbers and addresses in a line. PERF: without the machinery of `format!`, which took most of what a line cost.
//!
//! ```ignore
//! seconds(line, Duration::from_millis(1500));    // 1.500000
//! ```

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A number.
pub(super) fn decimal(line: &mut Vec<u8>, number: impl itoa::Integer) {
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A number below 100, with two digits.
pub(super) fn two(line: &mut Vec<u8>, number: u64) {
    line.extend_from_slice(&crate::observe::access_log::clock::digits::<2>(number));
}

/// Seconds, with six places.
pub(super) fn seconds(line: &mut Vec<u8>, time: Duration) {
    decimal(line, time.as_secs());
    line.push(b'.');
    let micros = u64::from(time.subsec_micros());
    line.extend_from_slice(&crate::observe::access_log::clock::digits::<6>(micros));
}

/// An address.
pub(super) fn address(line: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let [first, rest @ ..] = address.octets();
            decimal(line, first);
            for octet in rest {
                line.push(b'.');
                decimal(line, octet);
            }
        }
        // Writing to memory does not fail.
        IpAddr::V6(address) => {
            let _ = write!(line, "{address}");
        }
    }
}

/// An address with its port.
pub(super) fn socket(line: &mut Vec<u8>, socket: SocketAddr) {
    match socket {
        SocketAddr::V4(socket) => {
            address(line, (*socket.ip()).into());
            line.push(b':');
            decimal(line, socket.port());
        }
        SocketAddr::V6(socket) => {
            let _ = write!(line, "{socket}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(make: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut line = Vec::new();
        make(&mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn numbers_and_addresses_are_those_of_the_standard_library() {
        for text in ["192.0.2.7:443", "0.0.0.0:0", "[2001:db8::7]:8443"] {
            let parsed: SocketAddr = text.parse().unwrap();
            assert_eq!(made(|line| socket(line, parsed)), text);
            let ip = parsed.ip();
            assert_eq!(made(|line| address(line, ip)), ip.to_string());
        }
        for micros in [0, 7, 999_999, 1_000_000, 86_400_000_042] {
            let time = Duration::from_micros(micros);
            let expected = format!("{}.{:06}", time.as_secs(), time.subsec_micros());
            assert_eq!(made(|line| seconds(line, time)), expected);
        }
    }
}
