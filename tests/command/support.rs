//! A folder with everything a configuration may name, and the real program in it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use loadtest::wire::Authority;
use tempfile::TempDir;

/// A folder that the program runs in, so that every path in a report is as it was written.
pub struct World {
    folder: TempDir,
    pub authority: Authority,
}

impl World {
    /// Certificates `tls/a.*` (a.example.com), `tls/b.*`, `tls/wildcard.*` (*.wild.example.com), keys, files and a pipe that
    /// are none, and the folder `www`.
    pub fn new() -> World {
        let folder = TempDir::new().unwrap();
        let authority = Authority::new("Portcullis test authority").unwrap();
        let world = World { folder, authority };
        for (name, names) in [
            ("a", &["a.example.com"][..]),
            ("b", &["b.example.com"]),
            ("wildcard", &["*.wild.example.com"]),
        ] {
            let identity = world.authority.issue(names).unwrap();
            world.write(&format!("tls/{name}.pem"), &identity.certificate_pem);
            world.write(&format!("tls/{name}.key"), &identity.key_pem);
            if name == "a" {
                let key = openssl::pkey::PKey::private_key_from_pem(identity.key_pem.as_bytes());
                let locked = key
                    .unwrap()
                    .private_key_to_pem_pkcs8_passphrase(
                        openssl::symm::Cipher::aes_128_cbc(),
                        b"secret",
                    )
                    .unwrap();
                world.write("tls/encrypted.key", &String::from_utf8(locked).unwrap());
            }
        }
        world.write("tls/authority.pem", &world.authority.pem());
        world.write("tls/empty.pem", "");
        world.write("tls/garbage.pem", "-----BEGIN CERTIFICATE-----\nnonsense\n");
        let pipe = world.folder().join("tls/pipe.key");
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        world.write("www/index.html", "<!doctype html>\n");
        world.write("www/client/lib/app.js", "1\n");
        world
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The program, to be run in the folder with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }
}

/// What a command said.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        let ran = Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran
    }
}

pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Notes the lines in which the file differs, or writes it when `UPDATE_FIXTURES=1` is set.
pub fn compare(path: &Path, actual: &str, failures: &mut String) {
    if std::env::var_os("UPDATE_FIXTURES").is_some_and(|value| value == "1") {
        fs::write(path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected == actual {
        return;
    }
    let _ = writeln!(failures, "\n{} differs:", path.display());
    let (mut old, mut new) = (expected.lines(), actual.lines());
    loop {
        match (old.next(), new.next()) {
            (None, None) => break,
            (old, new) if old == new => {}
            (old, new) => {
                for (mark, line) in [('-', old), ('+', new)] {
                    let _ = writeln!(failures, "  {mark} {}", line.unwrap_or("(end)"));
                }
            }
        }
    }
}

pub fn fail_on(failures: &str) {
    assert!(
        failures.is_empty(),
        "{failures}\nIf the new text is right, run the tests with UPDATE_FIXTURES=1 and review the change."
    );
}
