//! Who changes the file, sends the signal and waits for what became of it.

use std::fs;
use std::net::SocketAddr;

use rustix::process::Signal;

use super::configurations::Site;
use super::gateway::{Gateway, Outcomes, status, until};
use super::mistakes;
use super::support::World;

pub struct Driver<'w> {
    world: &'w World,
    site: Site,
    gateway: Gateway,
    public: Vec<SocketAddr>,
    admin: SocketAddr,
    /// The last round whose file was good.
    good: usize,
}

impl<'w> Driver<'w> {
    pub fn start(world: &'w World, site: Site) -> Driver<'w> {
        world.write("p.yaml", &site.file(0));
        let gateway = Gateway::start(world);
        let (mut public, admin) = gateway.addresses();
        // The others come and go.
        public.retain(|address| address.ip() == admin.ip());
        Driver {
            world,
            site,
            gateway,
            public,
            admin,
            good: 0,
        }
    }

    pub fn https(&self) -> SocketAddr {
        self.public[0]
    }

    pub fn plain(&self) -> SocketAddr {
        self.public[1]
    }

    pub fn log(&self) -> String {
        self.gateway.log()
    }

    /// A good file; every now and then the same one again, or with a new certificate.
    pub fn changed(&mut self, round: usize) {
        let before = self.outcomes();
        match round % 10 {
            1 => {}
            2 => self.site.renew(self.world),
            _ => {
                self.put(&self.site.file(round));
                self.good = round;
            }
        }
        self.gateway.signal(Signal::HUP);
        let after = self.outcome(before);
        assert_eq!(after.refused, before.refused, "{}", self.log());
        if round % 10 > 1 {
            // Also where only a certificate is new, which no line of the file tells.
            assert_eq!(
                after.applied,
                before.applied + 1,
                "round {round}: {}",
                self.log()
            );
        }
        self.is_in_force(self.good);
    }

    /// A file that is wrong in one way or another: what runs stays.
    pub fn mistaken(&mut self, round: usize) {
        let before = self.outcomes();
        let mistake = mistakes::make(self.world, &self.site.file(round), round);
        self.gateway.signal(Signal::HUP);
        let after = self.outcome(before);
        assert_eq!(
            after.refused,
            before.refused + 1,
            "{}: {}",
            mistake.name,
            self.log()
        );
        mistake.undo(self.world);
        self.put(&self.site.file(self.good));
        self.is_in_force(self.good);
        assert_eq!(status(self.plain(), &Site::marker(round), "/"), 404);
    }

    /// A good file that nobody waits for.
    pub fn hurried(&mut self, round: usize) {
        self.put(&self.site.file(round));
        self.gateway.signal(Signal::HUP);
        self.good = round;
    }

    /// Waits until the file of this round is in force.
    pub fn in_force(&self, round: usize) {
        until("the last file is in force", || {
            (status(self.plain(), &Site::marker(round), "/") == 200).then_some(())
        })
        .unwrap_or_else(|why| panic!("{why}: {}", self.log()));
    }

    fn is_in_force(&self, round: usize) {
        assert_eq!(status(self.plain(), &Site::marker(round), "/"), 200);
    }

    /// In one step, as every tool should: a reload that is under way reads the old file or the new one.
    fn put(&self, text: &str) {
        self.world.write("p.yaml.new", text);
        let folder = self.world.folder();
        fs::rename(folder.join("p.yaml.new"), folder.join("p.yaml")).unwrap();
    }

    /// Waits for one more outcome than before.
    fn outcome(&self, before: Outcomes) -> Outcomes {
        until("an outcome", || {
            let now = self.outcomes();
            (now.all() > before.all()).then_some(now)
        })
        .unwrap_or_else(|why| panic!("{why}: {}", self.log()))
    }

    pub fn outcomes(&self) -> Outcomes {
        self.gateway.outcomes(self.admin)
    }

    /// Ends the gateway in good form.
    pub fn stop(self) {
        self.gateway.signal(Signal::TERM);
        let (ended, log) = self.gateway.end();
        assert_eq!(ended.code(), Some(0), "{log}");
    }
}
