//! A contact center as `conf/demo.yaml` has it: the real program with that very file, and simulated servers in this process. Of the file
//! only addresses and the public name are others, and what a test adds.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use loadtest::icws::{IcwsOptions, IcwsServer, Role};
use loadtest::rude::{Rude, Upgrade, websocket_echo};
use loadtest::webhtml::WebHtml;
use loadtest::webtools::Pair;
use rustix::process::Signal;

use super::gateway::{Gateway, Outcomes, until};
use super::support::{World, repository};

/// The public name, instead of the demo's `localhost`.
pub const HOST: &str = "proxy.example.com";
/// The certificate that the gateway shows, as the file names it.
pub const CERTIFICATE: &str = "tls/edge.pem";
/// Users that the ICWS servers know: `agent1`/`secret1` and so on.
pub const AGENTS: usize = 60;
/// A deadline that only a failure reaches.
pub const SOON: Duration = Duration::from_secs(20);

/// The gateway, its folder, and everything behind it.
pub struct Center {
    pub icserver1: IcwsServer,
    /// The backup: it sends everybody to the first.
    pub icserver2: IcwsServer,
    pub chat: Pair,
    pub search1: WebHtml,
    pub echo: Rude,
    pub gateway: Gateway,
    world: World,
    pub tls: SocketAddr,
    pub redirect: SocketAddr,
    pub plain: SocketAddr,
    pub admin: SocketAddr,
}

impl Center {
    /// Starts everything. `more` are further keys at the top of the file.
    pub async fn start(more: &str) -> Center {
        let logins: Vec<_> = (1..=AGENTS)
            .map(|number| (format!("agent{number}"), format!("secret{number}")))
            .collect();
        let icws = |name: &str| {
            IcwsServer::start(IcwsOptions {
                logins: logins.clone(),
                ..IcwsOptions::named(name)
            })
        };
        let (icserver1, icserver2) = (
            icws("icserver1").await.unwrap(),
            icws("icserver2").await.unwrap(),
        );
        icserver2.change(|behaviour| {
            behaviour.role = Role::Backup;
            behaviour.alternates = vec!["icserver1".to_owned()];
        });
        let chat = Pair::start().await.unwrap();
        for parameter in [
            "MaxInteractionsAllowedPerIP",
            "MaxInteractionsAllowedPerUnitTime",
            "MaxChatsAllowedPerUnitTime",
            "MaxCallbacksAllowedPerUnitTime",
            "MaxActiveInteractionsAllowed",
            "MaxAnonymousInteractionsAllowed",
            "MaxAnyInteractionsAllowedPerQueue",
        ] {
            chat.set(parameter, "1000000").unwrap();
        }
        let search1 = WebHtml::start().await.unwrap();
        let echo = websocket_echo(Upgrade::Plain).await.unwrap();
        let world = World::new();
        let identity = world.authority.issue(&[HOST]).unwrap();
        world.write(CERTIFICATE, &identity.certificate_pem);
        world.write("tls/edge.key", &identity.key_pem);
        world.write("I3Root/index.html", "<!doctype html>\n");
        let addresses = [
            icserver1.wire().address(),
            icserver2.wire().address(),
            chat.a.wire().address(),
            chat.b.wire().address(),
            search1.wire().address(),
            echo.address(),
        ];
        world.write("p.yaml", &(file(addresses) + more));
        let gateway = Gateway::start(&world);
        let (public, admin) = gateway.addresses();
        let at = |ip: &str| {
            let found = public.iter().find(|address| address.ip().to_string() == ip);
            *found.unwrap_or_else(|| panic!("{public:?}"))
        };
        Center {
            icserver1,
            icserver2,
            chat,
            search1,
            echo,
            tls: at("127.0.0.2"),
            redirect: at("127.0.0.3"),
            plain: at("127.0.0.4"),
            admin,
            gateway,
            world,
        }
    }

    /// Both ICWS servers with their names.
    pub fn icws(&self) -> [(&'static str, &IcwsServer); 2] {
        [
            ("icserver1", &self.icserver1),
            ("icserver2", &self.icserver2),
        ]
    }

    /// A file of the gateway's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.world.folder().join(name)
    }

    /// Changes the file and sends SIGHUP; returns when that has had its outcome.
    pub fn reload(&self, change: impl FnOnce(String) -> String) -> Outcomes {
        let before = std::fs::read_to_string(self.file("p.yaml")).unwrap();
        self.world.write("p.yaml", &change(before));
        let so_far = self.gateway.outcomes(self.admin).all();
        self.gateway.signal(Signal::HUP);
        let outcomes = until("a reload", || {
            let outcomes = self.gateway.outcomes(self.admin);
            (outcomes.all() > so_far).then_some(outcomes)
        });
        outcomes.unwrap_or_else(|why| panic!("{why}:\n{}", self.gateway.log()))
    }
}

fn file(servers: [SocketAddr; 6]) -> String {
    let demo = std::fs::read_to_string(repository("conf/demo.yaml")).unwrap();
    let [icserver1, icserver2, chat1, chat2, search1, echo] = servers.map(|at| at.to_string());
    // One probe of each server, at the start: what a test counts afterwards is its own.
    let probed = |kind: &str| format!("{{ health: {{ interval: 1h }}, kind: {kind},");
    let mut text = ["icws", "webtools", "webhtml"]
        .iter()
        .fold(demo, |text, kind| {
            text.replace(&format!("{{ kind: {kind},"), &probed(kind))
        });
    for (written, instead) in [
        ("127.0.0.1:9145", "127.0.0.1:0"),
        // Each listener by an address of its own, so that a metric's label says which one it is.
        (
            "listen: 127.0.0.1:8443, tls: {} }",
            "listen: 127.0.0.2:0, tls: {} }",
        ),
        (
            "{ listen: 127.0.0.1:8080, redirect: \"https:8443\" }",
            "{ listen: 127.0.0.3:0, redirect: \"https:8443\" }\n  - { listen: 127.0.0.4:0 }",
        ),
        (
            "cert: demo.pem, key: demo.key",
            &format!("cert: {CERTIFICATE}, key: tls/edge.key"),
        ),
        ("127.1.0.1:8018", &icserver1),
        ("127.1.0.2:8018", &icserver2),
        ("127.1.0.1:8114", &chat1),
        ("127.1.0.2:8114", &chat2),
        ("127.1.0.3:8018", &search1),
        ("localhost", HOST),
        (
            "\nhosts:",
            &format!(
                "  echo:      {{ kind: http, health: {{ interval: 1h }}, url: \"http://{echo}\", websocket: true }}\n  gone:      {{ kind: http, health: {{ interval: 1h }}, url: \"https://127.0.0.77:9\", insecure: true }}\n\nhosts:"
            ),
        ),
        (
            "    routes:\n",
            "    routes:\n      - { path: /echo/, server: echo }\n      - { path: /gone/, server: gone }\n",
        ),
    ] {
        assert_eq!(
            text.matches(written).count().min(1),
            1,
            "{written} is not in conf/demo.yaml"
        );
        text = text.replace(written, instead);
    }
    text
}
