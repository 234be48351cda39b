//! Text that somebody else chose, within a line: bounded, and without anything that could end the line or turn a terminal around.
//!
//! ```ignore
//! json(line, "a\"b", 256);      // a\"b
//! apache(line, "a\nb", 256);    // a\x0ab
//! ```

/// Within the quotes of a JSON string.
pub(super) fn json(line: &mut Vec<u8>, text: &str, most: usize) {
    each(line, text, most, |line, character| {
        for unit in character.encode_utf16(&mut [0; 2]) {
            line.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
        }
    });
}

/// Within the quotes of the combined format, as Apache writes it.
pub(super) fn apache(line: &mut Vec<u8>, text: &str, most: usize) {
    each(line, text, most, |line, character| {
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            line.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        }
    });
}

fn each(line: &mut Vec<u8>, text: &str, most: usize, foul: impl Fn(&mut Vec<u8>, char)) {
    // PERF: nearly every text is short and plain. Without a branch in it the look at all bytes is one at many of them at a time.
    let plain = |byte: u8| matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\');
    if text.len() <= most && text.bytes().fold(true, |all, byte| all & plain(byte)) {
        return line.extend_from_slice(text.as_bytes());
    }
    for (number, character) in text.chars().enumerate() {
        if number == most {
            return line.extend_from_slice("…".as_bytes());
        }
        match character {
            '"' | '\\' => line.extend_from_slice(&[b'\\', character as u8]),
            // Printable as it is, also beyond ASCII.
            _ if character == '\'' || character.escape_debug().eq([character]) => {
                line.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => foul(line, character),
        }
    }
}
