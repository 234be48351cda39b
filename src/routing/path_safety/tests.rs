mod legitimate;
mod oracle;
mod properties;
mod sentences;
mod tricks;

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::routing::{Exposed, ExposedPath, Mapping, RouteSpec};
use oracle::{OPS, Op, SERVERS, read};

struct Kind {
    mapping: Mapping,
    /// Independent of the mapping: whether a path that a server ends up with is meant to be reachable.
    inside: fn(&str) -> bool,
}

impl Exposes for Kind {
    fn mapping(&self, _server: Option<usize>) -> &Mapping {
        &self.mapping
    }
}

fn kind(mapping: Mapping, inside: fn(&str) -> bool) -> Kind {
    Kind { mapping, inside }
}

fn icws() -> Kind {
    let exposed = vec![ExposedPath::any_case("/icws/".parse().unwrap())];
    let mapping = Mapping::from_segment("icws", Exposed::Only(exposed));
    kind(mapping, |p| p.to_ascii_lowercase().starts_with("/icws/"))
}

fn webtools() -> Kind {
    let exposed = vec![ExposedPath::any_case("/websvcs/".parse().unwrap())];
    let mapping = Mapping::below("/".parse().unwrap(), Exposed::Only(exposed));
    kind(mapping, |p| p.to_ascii_lowercase().starts_with("/websvcs/"))
}

fn webhtml() -> Kind {
    let mapping = Mapping::below("/WebHTMLService/".parse().unwrap(), Exposed::Everything);
    kind(mapping, |p| p.starts_with("/WebHTMLService/"))
}

fn http(base: &str, exposed: Exposed, inside: fn(&str) -> bool) -> Kind {
    kind(Mapping::below(base.parse().unwrap(), exposed), inside)
}

fn listed() -> Kind {
    let paths = ["/public/", "/one.css"].map(|p| ExposedPath::same_case(p.parse().unwrap()));
    let inside = |p: &str| p.starts_with("/public/") || p == "/one.css";
    http("/", Exposed::Only(paths.to_vec()), inside)
}

fn files() -> Kind {
    http("/", Exposed::Everything, |p| {
        p.starts_with('/') && !p.starts_with("//")
    })
}

fn table() -> &'static RouteTable<Kind> {
    static TABLE: LazyLock<RouteTable<Kind>> = LazyLock::new(every_kind);
    &TABLE
}

fn every_kind() -> RouteTable<Kind> {
    let names = || vec!["icserver1".to_owned(), "icserver2".to_owned()];
    let one = |path: &str, kind| RouteSpec::to_one(path.parse().unwrap(), kind);
    RouteTable::build(vec![
        one("/us/icserver1/", icws()),
        one("/us/icserver2/", icws()),
        RouteSpec::to_named(
            "/apps/client/api/{server}/".parse().unwrap(),
            names(),
            icws(),
        ),
        RouteSpec::to_named("/**/api/{server}/".parse().unwrap(), names(), icws()),
        one("/I3Root/Server1/", webtools()),
        one("/I3Root/Server2/", webtools()),
        one("/I3Root/WebServices/Server1/", webhtml()),
        one("/I3Root/", files()),
        one(
            "/gadgets/",
            http("/base/app", Exposed::Everything, |p| {
                p.starts_with("/base/app/")
            }),
        ),
        one("/listed/", listed()),
        one("/favicon.ico", files()),
        one("/apps/client/", files()),
    ])
    .unwrap()
}

fn outcome(table: &RouteTable<Kind>, path: &str) -> String {
    match judge(table, path) {
        Ok(judged) => {
            assert_no_server_is_fooled(&judged, path);
            let server = judged.server.map(|s| format!(".{s}")).unwrap_or_default();
            format!("{}{server} {}", judged.index, judged.inner_path())
        }
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty());
            match refusal {
                PathRefusal::Bad(_) => "bad",
                PathRefusal::Ambiguous(_) => "ambiguous",
                PathRefusal::UnknownPath => "unknown",
                PathRefusal::UnknownServer { .. } => "unknown server",
                PathRefusal::NotExposed { .. } => "not exposed",
            }
            .to_owned()
        }
    }
}

/// Whatever a server does to the forwarded path, it ends up where the route exposes something; and whatever
/// stands before or behind us does to the public path, the same prefix remains.
fn assert_no_server_is_fooled(judged: &Judged<'_, '_, Kind>, path: &str) {
    for (server, ops) in SERVERS {
        assert_stays_inside(judged, path, ops, server);
    }
}

fn assert_stays_inside(judged: &Judged<'_, '_, Kind>, path: &str, ops: &[Op], server: &str) {
    let inner = judged.inner_path();
    assert!(
        inner.ends_with(judged.rest) && path.ends_with(judged.rest),
        "{path}: bytes changed"
    );
    let reached = read(ops, &inner);
    assert!(
        (judged.route.inside)(&reached),
        "{server}: {path} -> {inner} reads {reached}"
    );
    let public = read(ops, path);
    assert!(
        public.starts_with(judged.public_prefix),
        "{server}: {path} reads {public}"
    );
}
