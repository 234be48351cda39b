//! A gateway whose file serves a folder under some names, and the outcomes of its reloads.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use rustix::process::Signal;

use super::gateway::{Gateway, Outcomes, status, until};
use super::support::World;

pub struct Stage {
    pub world: World,
    pub gateway: Gateway,
    pub public: Vec<SocketAddr>,
    pub admin: SocketAddr,
}

/// A file with these public names, TLS on the first listener and none on the second.
pub fn file(names: &[&str]) -> String {
    let hosts: String = names
        .iter()
        .map(|name| format!("  {name}: {{ files: www }}\n"))
        .collect();
    format!(
        "admin: {{ listen: 127.0.0.1:0 }}\nlisteners: [{{ listen: 127.0.0.1:0, tls: {{}} }}, {{ listen: 127.0.0.1:0 }}]\n\
         tls: {{ certificates: [{{ cert: tls/a.pem, key: tls/a.key }}, {{ cert: tls/wildcard.pem, key: tls/wildcard.key }}] }}\nhosts:\n{hosts}"
    )
}

/// The name that is always there.
pub const KEPT: &str = "a.example.com";
/// A name that a reload brings.
pub const NEW: &str = "new.wild.example.com";

impl Stage {
    pub fn open() -> Stage {
        Stage::with(&file(&[KEPT]))
    }

    pub fn with(text: &str) -> Stage {
        let world = World::new();
        world.write("p.yaml", text);
        Stage::of(world)
    }

    /// A world that has its file already.
    pub fn of(world: World) -> Stage {
        let gateway = Gateway::start(&world);
        let (public, admin) = gateway.addresses();
        Stage {
            world,
            gateway,
            public,
            admin,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.world.folder().join(name)
    }

    /// Puts a file in place in one step.
    pub fn put(&self, name: &str, text: &str) {
        self.world.write("beside", text);
        fs::rename(self.path("beside"), self.path(name)).unwrap();
    }

    pub fn status(&self, host: &str) -> u16 {
        status(self.public[1], host, "/")
    }

    pub fn outcomes(&self) -> Outcomes {
        self.gateway.outcomes(self.admin)
    }

    /// Sends a signal and waits for what becomes of it: whether the file was good.
    pub fn reload(&self) -> bool {
        let before = self.outcomes();
        self.gateway.signal(Signal::HUP);
        let after = until("an outcome", || {
            let now = self.outcomes();
            (now.all() > before.all()).then_some(now)
        });
        let after = after.unwrap_or_else(|why| panic!("{why}: {}", self.gateway.log()));
        after.refused == before.refused
    }

    /// The file is refused for this reason, and what ran still runs.
    pub fn refuses(&self, why: &str) {
        let before = self.gateway.said(why);
        assert!(!self.reload(), "{}", self.gateway.log());
        // The metric is there before its line has come through the pipe.
        self.gateway.wait_for(why, before + 1);
        assert_eq!((self.status(KEPT), self.status(NEW)), (200, 404));
    }

    /// After all that a good file is applied, and the process ends as it should.
    pub fn recovers(self) {
        let _ = fs::remove_dir(self.path("p.yaml"));
        self.put("p.yaml", &file(&[KEPT, NEW]));
        assert!(self.reload(), "{}", self.gateway.log());
        assert_eq!((self.status(KEPT), self.status(NEW)), (200, 200));
        self.gateway.signal(Signal::TERM);
        let (ended, log) = self.gateway.end();
        assert_eq!(ended.code(), Some(0), "{log}");
    }
}
