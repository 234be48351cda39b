//! The configuration file: the operator's YAML as final value types, or every mistake in it at once.
//!
//! Each section is declared once, by `section!`: the struct, how it is read, what `check --show` prints, the JSON Schema and the
//! reference all come from that declaration.
//!
//! ```
//! use portcullis::config;
//! use portcullis::diagnostic::Source;
//!
//! let source = Source::new("portcullis.yaml", "/etc/portcullis", "listeners: [{ lisen: 0.0.0.0:80 }]\nhosts: {}\n");
//! let report = config::parse(&source).unwrap_err();
//! assert!(report.to_string().contains("did you mean `listen`?"));
//! ```

mod admin;
mod at;
mod choice;
mod client_address;
mod cross_check;
mod decode;
mod hosts;
mod itself;
mod limits;
mod listeners;
mod log;
mod people;
mod reference;
mod section;
mod servers;
mod shape;
mod shutdown;
mod stand_ins;
mod state;
mod suggest;
mod syntax;
mod tls;
mod tree;
mod upgrade;
pub mod value;
mod yaml;

use std::path::Path;

use indexmap::IndexMap;
use serde_json::Value;

use crate::diagnostic::{Diagnostic, Report, Source};

pub use admin::Admin;
pub use at::At;
pub use client_address::{ClientAddress, ProxyProtocol};
use decode::{Context, Decode};
pub use hosts::{CacheRule, Host, Route, ServersJson};
pub use limits::{
    Ban, COUNTED, Cap, Http2, Interactions, KeepAlive, KindLimits, Limits, Mode, RateLimit,
    RequestBody, RequestHead, RouteLimits, Silence,
};
pub use listeners::{Listener, ListenerTls};
pub use log::{AccessFormat, AccessLog, Facility, Log, LogLevel, Syslog};
pub use people::{People, PeopleIdle};
pub use reference::reference;
use section::section;
pub use servers::{Health, Kind, Probe, Server, ServerErrors, Timeouts};
pub use shutdown::Shutdown;
pub use state::State;
pub use tls::{CertificateFiles, Tls};
pub use upgrade::Upgrade;
use value::{HostKey, ServerName};

section! {
    /// The configuration of Portcullis.
    pub struct Config {
        /// The listener for operators.
        admin: Admin = nested,
        /// The public addresses; at least one.
        listeners: Vec<Listener> = required,
        /// TLS towards clients.
        tls: Tls = nested,
        /// Whose word is believed about who the client is.
        client_address: ClientAddress = nested,
        /// The only machines that the gateway ever connects to, by name.
        servers: IndexMap<At<ServerName>, Server> = default IndexMap::new(),
        /// Public names, each with or without a port, and what is behind them. A host, port or path that is not here is refused without touching any server.
        hosts: IndexMap<At<HostKey>, Host> = required,
        /// What one client address, one connection and one request may use.
        limits: Limits = nested,
        /// Users and visitors who are connected.
        people: People = nested,
        /// How a process ends.
        shutdown: Shutdown = nested,
        /// How a new process takes over from the one that runs.
        upgrade: Upgrade = nested,
        /// What survives the process.
        state: State = nested,
        /// What the gateway says about itself.
        log: Log = nested,
    }
    planned ["auth", "cors", "proxy_map", "cache", "substitution"];
    parts Sections cross_check::sections;
}

/// Reads and parses a configuration file; the source is returned as well, for diagnostics of later checks.
///
/// # Errors
/// The file cannot be read, or everything that is wrong with it.
pub fn load(path: &Path) -> Result<(Config, Source), Report> {
    let source = Source::read(path)?;
    let config = parse(&source)?;
    Ok((config, source))
}

/// Parses a configuration that is already in memory.
///
/// # Errors
/// Everything that is wrong with it; only a text that is not YAML at all has a single mistake.
pub fn parse(source: &Source) -> Result<Config, Report> {
    match read(source) {
        (Some(config), found) if found.is_empty() => Ok(config),
        (_, found) => Err(Report::new(source.clone(), found)),
    }
}

/// What could be read, and everything that is wrong with it. A configuration with mistakes is only good for finding more of them:
/// it is there when every value could be read and some of them do not go together.
pub fn read(source: &Source) -> (Option<Config>, Vec<Diagnostic>) {
    let tree = match tree::parse(source.text()) {
        Ok(tree) => tree,
        Err(diagnostic) => return (None, vec![diagnostic]),
    };
    let mut cx = Context::new(source.folder());
    let config = Config::decode(&tree, &mut cx);
    (config, cx.found)
}

/// The section `admin` as far as it can be read, whatever is wrong elsewhere: for whoever asks a gateway that runs while somebody edits
/// its file.
pub fn admin(source: &Source) -> Option<Admin> {
    let tree = tree::parse(source.text()).ok()?;
    Admin::decode(tree.get("admin")?, &mut Context::new(source.folder()))
}

/// How many values a text has, which only has to be YAML: for the benchmark of this step.
#[doc(hidden)]
pub fn values(source: &Source) -> Option<usize> {
    tree::parse(source.text()).ok().map(|tree| tree.count())
}

/// The configuration as YAML with every default filled in. Parsing it gives an equal configuration, when paths start from the same folder.
pub fn show(config: &Config) -> String {
    yaml::write(&config.encode())
}

/// A value as `check --show` prints it: everything that the file says, and no secret.
pub(crate) trait Encode {
    fn encoded(&self) -> Value;
}

impl<T: Decode> Encode for T {
    fn encoded(&self) -> Value {
        self.encode()
    }
}

impl Config {
    /// Everything but the two tables that may be long.
    pub(crate) fn encode_rest(&self) -> Value {
        // A section that is added is missing here until somebody decides whether it belongs here.
        let Config {
            admin,
            listeners,
            tls,
            client_address,
            servers: _,
            hosts: _,
            limits,
            people,
            shutdown,
            upgrade,
            state,
            log,
        } = self;
        serde_json::json!({
            "admin": admin.encode(),
            "listeners": listeners.encode(),
            "tls": tls.encode(),
            "client_address": client_address.encode(),
            "limits": limits.encode(),
            "people": people.encode(),
            "shutdown": shutdown.encode(),
            "upgrade": upgrade.encode(),
            "state": state.encode(),
            "log": log.encode(),
        })
    }
}

/// The JSON Schema (draft 2020-12) of the file, for editors.
pub fn schema() -> Value {
    Config::shape().document_schema()
}
