//! Chromium behind chromedriver, with a profile of its own; both end when it is dropped.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;

use super::arguments::ARGUMENTS;
use super::http::Http;

/// The first of this name on the `PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// A browser. The fields end in their order: the session, chromedriver, the profile.
pub struct Chromium {
    pub driver: WebDriver,
    _chromedriver: Chromedriver,
    _profile: TempDir,
}

struct Chromedriver(Child);

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // The group's id stays taken until its leader is waited for, so this reaches no stranger.
        if let Some(group) = Pid::from_raw(self.0.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

impl Chromedriver {
    /// With the port that it says; `None` if it ends without.
    fn start(program: &Path, home: &Path) -> Option<(Chromedriver, u16)> {
        let mut child = Command::new(program)
            .arg("--port=0")
            .env("HOME", home)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .env_remove("DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let child = Chromedriver(child);
        Some((child, port(stdout)?))
    }
}

impl Chromium {
    pub async fn start(chromedriver: &Path, chromium: &Path) -> Chromium {
        let profile = tempfile::tempdir().unwrap();
        // It ends when the port that it was given on IPv4 is somebody else's on IPv6.
        let (child, port) = (0..5)
            .find_map(|_| Chromedriver::start(chromedriver, profile.path()))
            .expect("chromedriver says its port");
        let capabilities = capabilities(chromium, profile.path());
        let driver = WebDriver::builder(format!("http://127.0.0.1:{port}"), capabilities)
            .client(Http)
            .await
            .unwrap_or_else(|error| panic!("chromedriver starts no session: {error}"));
        Chromium {
            driver,
            _chromedriver: child,
            _profile: profile,
        }
    }
}

/// `ChromeDriver was started successfully on port 34567.`
fn port(stdout: ChildStdout) -> Option<u16> {
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let port = lines.find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    // It goes on writing, and must not be stopped by a full pipe.
    std::thread::spawn(move || lines.for_each(drop));
    port
}

fn capabilities(chromium: &Path, profile: &Path) -> Capabilities {
    let mut arguments = ARGUMENTS.map(str::to_owned).to_vec();
    let profile = profile.join("profile");
    arguments.push(format!("--user-data-dir={}", profile.display()));
    let mut capabilities = Capabilities::new();
    let mut set = |name: &str, value: Value| {
        capabilities.set(name, value).unwrap();
    };
    set("browserName", json!("chrome"));
    // Test certificates are of authorities that nobody knows.
    set("acceptInsecureCerts", json!(true));
    set(
        "goog:chromeOptions",
        json!({ "binary": chromium, "args": arguments }),
    );
    // The console with the violations of the content security policy, and every request.
    set(
        "goog:loggingPrefs",
        json!({ "browser": "ALL", "performance": "ALL" }),
    );
    capabilities
}
