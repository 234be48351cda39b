//! Every way in which a file can be wrong.

use std::fs;
use std::net::TcpListener;

use super::support::World;

/// A mistake that has been made.
pub struct Mistake {
    pub name: &'static str,
    /// Keeps an address from the gateway.
    _taken: Option<TcpListener>,
}

impl Mistake {
    /// Makes room for the next file.
    pub fn undo(self, world: &World) {
        let file = world.folder().join("p.yaml");
        if file.is_dir() {
            fs::remove_dir(file).unwrap();
        }
    }
}

/// Puts a file in place that is like `good` but for one mistake.
pub fn make(world: &World, good: &str, round: usize) -> Mistake {
    let file = world.folder().join("p.yaml");
    let replaced = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let mut taken = None;
    let (name, text) = match round / 4 % 18 {
        0 => ("an unknown key", replaced("log: {", "log: { colour: red,")),
        1 => ("no YAML", format!("{good}\n  - [: {{")),
        2 => (
            "an unknown server",
            replaced("server: safe", "server: nobody"),
        ),
        3 => ("no such certificate", replaced("edge.pem", "gone.pem")),
        4 => (
            "a key of another certificate",
            replaced("edge.key", "tls/a.key"),
        ),
        5 => (
            "a certificate that is none",
            replaced("edge.pem", "tls/garbage.pem"),
        ),
        6 => ("a path twice", replaced("path: /safe/", "path: /web/")),
        7 => ("an empty file", String::new()),
        8 => {
            let listener = TcpListener::bind("127.72.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            taken = Some(listener);
            let more = format!("listeners:\n  - {{ listen: '{address}' }}\n");
            ("an address that is taken", replaced("listeners:\n", &more))
        }
        9 => {
            let more = "hosts:\n  other.example.org: { files: www }\n";
            ("a host without a certificate", replaced("hosts:\n", more))
        }
        10 => ("no such folder", replaced("files: www", "files: gone")),
        11 => {
            let end = good.find("limits:").unwrap() + "limits:\n  mode".len();
            ("half a file", good.split_at(end).0.to_owned())
        }
        12 => (
            "a number without a unit",
            replaced("tls_handshake: ", "tls_handshake: 1 # "),
        ),
        13 => (
            "an admin address for everybody",
            replaced("127.0.0.1:0", "0.0.0.0:0"),
        ),
        14 => ("a word", "nonsense".to_owned()),
        15 => ("no text", "\u{fffd}".to_owned()),
        16 => ("no file", String::new()),
        _ => ("a folder", String::new()),
    };
    fs::remove_file(&file).unwrap();
    match name {
        "no file" => {}
        "a folder" => fs::create_dir(&file).unwrap(),
        "no text" => fs::write(&file, b"admin: \xff\xfe\n").unwrap(),
        _ => world.write("p.yaml", &text),
    }
    Mistake {
        name,
        _taken: taken,
    }
}
