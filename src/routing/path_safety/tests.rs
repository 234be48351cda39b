mod oracle;

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

#[test]
fn legitimate_paths_pass_in_their_original_bytes() {
    let table = table();
    for (path, expected) in [
        ("/us/icserver1/icws/connection", "0 /icws/connection"),
        ("/us/icserver1/ICWS/connection", "0 /ICWS/connection"),
        (
            "/us/icserver2/icws/2444387001/messaging/messages",
            "1 /icws/2444387001/messaging/messages",
        ),
        (
            "/us/icserver1/portal/icws/1/connection",
            "0 /icws/1/connection",
        ),
        (
            "/apps/client/api/icserver1/icws/1/connection/station",
            "2.0 /icws/1/connection/station",
        ),
        ("/apps/client/api/ICServer2/icws/1/x", "2.1 /icws/1/x"),
        ("/apps/admin/api/icserver1/icws/1/x", "3.0 /icws/1/x"),
        ("/api/icserver2/icws/1/x", "3.1 /icws/1/x"),
        (
            "/us/icserver1/icws/123/configuration/users/a%2fb",
            "0 /icws/123/configuration/users/a%2fb",
        ),
        (
            "/us/icserver1/icws/123/configuration/users/a%2Fb%2Fc",
            "0 /icws/123/configuration/users/a%2Fb%2Fc",
        ),
        (
            "/us/icserver1/icws/123/configuration/users/john%20doe",
            "0 /icws/123/configuration/users/john%20doe",
        ),
        (
            "/us/icserver1/icws/123/configuration/users/Andr%C3%A9",
            "0 /icws/123/configuration/users/Andr%C3%A9",
        ),
        (
            "/us/icserver1/icws/123/configuration/users/%E5%B1%B1%E7%94%B0",
            "0 /icws/123/configuration/users/%E5%B1%B1%E7%94%B0",
        ),
        (
            "/us/icserver1/icws/123/configuration/users/CORP%5Calice",
            "0 /icws/123/configuration/users/CORP%5Calice",
        ),
        (
            "/us/icserver1/icws/123/configuration/users/CORP\\alice",
            "0 /icws/123/configuration/users/CORP\\alice",
        ),
        ("/us/icserver1/icws/123/users/a;b", "0 /icws/123/users/a;b"),
        (
            "/us/icserver1/icws/123/users/a@b:c,d",
            "0 /icws/123/users/a@b:c,d",
        ),
        (
            "/us/icserver1/icws/123/users/a%40b%3Ac%2Cd%3Be",
            "0 /icws/123/users/a%40b%3Ac%2Cd%3Be",
        ),
        (
            "/us/icserver1/icws/123/users/a+b%2Bc",
            "0 /icws/123/users/a+b%2Bc",
        ),
        (
            "/us/icserver1/icws/123/workgroups/100%25%20club",
            "0 /icws/123/workgroups/100%25%20club",
        ),
        (
            "/us/icserver1/icws/123/workgroups/50%25zz",
            "0 /icws/123/workgroups/50%25zz",
        ),
        (
            "/us/icserver1/icws/123/workgroups/C%23%3f",
            "0 /icws/123/workgroups/C%23%3f",
        ),
        (
            "/us/icserver1/icws/123/workgroups/a%252fb",
            "0 /icws/123/workgroups/a%252fb",
        ),
        (
            "/us/icserver1/icws/123/users/a..b.",
            "0 /icws/123/users/a..b.",
        ),
        (
            "/us/icserver1/icws/123/users/.hidden",
            "0 /icws/123/users/.hidden",
        ),
        (
            "/us/icserver1/icws/123/users/{guid}[0]|x^y",
            "0 /icws/123/users/{guid}[0]|x^y",
        ),
        (
            "/us/icserver1/icws/123/users/%7Bguid%7D",
            "0 /icws/123/users/%7Bguid%7D",
        ),
        (
            "/us/icserver1/icws/123//messaging/",
            "0 /icws/123//messaging/",
        ),
        (
            "/us/icserver1/icws/123/./messaging",
            "0 /icws/123/./messaging",
        ),
        (
            "/us/icserver1/icws/123/a/../messaging",
            "0 /icws/123/a/../messaging",
        ),
        (
            "/us/icserver1/icws/1/..%3f/../../icws/x",
            "0 /icws/1/..%3f/../../icws/x",
        ),
        (
            "/us/icserver1/icws/1/users/%EF%BC%8F",
            "0 /icws/1/users/%EF%BC%8F",
        ),
        (
            "/I3Root/Server1/websvcs/chat/start",
            "4 /websvcs/chat/start",
        ),
        (
            "/I3Root/Server2/WebSvcs/serverConfiguration",
            "5 /WebSvcs/serverConfiguration",
        ),
        (
            "/I3Root/Server1/websvcs/chat/getfile/p/h/-a%20b.pdf",
            "4 /websvcs/chat/getfile/p/h/-a%20b.pdf",
        ),
        (
            "/I3Root/Server1/websvcs/chat/poll/",
            "4 /websvcs/chat/poll/",
        ),
        (
            "/I3Root/WebServices/Server1/doHTMLRequest",
            "6 /WebHTMLService/doHTMLRequest",
        ),
        ("/I3Root/", "7 /"),
        ("/I3Root/index.html", "7 /index.html"),
        ("/I3Root/img/logo%402x.png", "7 /img/logo%402x.png"),
        ("/I3Root/a%20b/c.js", "7 /a%20b/c.js"),
        ("/gadgets/x;jsessionid=1/y", "8 /base/app/x;jsessionid=1/y"),
        ("/gadgets/", "8 /base/app/"),
        ("/gadgets/a/", "8 /base/app/a/"),
        ("/listed/public/a%2fb", "9 /public/a%2fb"),
        ("/listed/public/..%2fone.css", "9 /public/..%2fone.css"),
        ("/listed/one.css", "9 /one.css"),
        ("/favicon.ico", "10 /favicon.ico"),
        ("/apps/client/lib/app.js", "11 /lib/app.js"),
        ("/apps/client/api/icserver1", "11 /api/icserver1"),
    ] {
        assert_eq!(outcome(table, path), expected, "{path}");
    }
}

#[test]
fn no_path_trick_reaches_what_is_not_exposed() {
    let table = table();
    let mut rows = 0;
    let mut wrong = Vec::new();
    for (expected, paths) in TRICKS {
        for path in *paths {
            rows += 1;
            let got = outcome(table, path);
            if got != *expected {
                wrong.push(format!("{path} is {got}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows >= 150, "only {rows} tricks");
}

const TRICKS: &[(&str, &[&str])] = &[
    // Out of /icws/ on the same server.
    (
        "ambiguous",
        &[
            "/us/icserver1/icws/../WebHTMLService/x",
            "/us/icserver1/icws/%2e%2e/WebHTMLService/x",
            "/us/icserver1/icws/.%2e/WebHTMLService/x",
            "/us/icserver1/icws/%2e./WebHTMLService/x",
            "/us/icserver1/icws/%2E%2E/WebHTMLService/x",
            "/us/icserver1/icws/..%2fWebHTMLService/x",
            "/us/icserver1/icws/..%2FWebHTMLService%2Fx",
            "/us/icserver1/icws/%2e%2e%2fWebHTMLService/x",
            "/us/icserver1/icws%2f..%2fWebHTMLService/icws/x",
            "/us/icserver1/icws/..%5cWebHTMLService/x",
            "/us/icserver1/icws/..\\WebHTMLService/x",
            "/us/icserver1/icws/%2e%2e\\WebHTMLService\\x",
            "/us/icserver1/icws/1\\..\\..\\WebHTMLService/x",
            "/us/icserver1/icws/%252e%252e/WebHTMLService/x",
            "/us/icserver1/icws/%252e%252e%252fWebHTMLService/x",
            "/us/icserver1/icws/..%252fWebHTMLService/x",
            "/us/icserver1/icws/..%255cWebHTMLService/x",
            "/us/icserver1/icws/%2e%252e/WebHTMLService/x",
            "/us/icserver1/icws/%25%32%65%25%32%65/WebHTMLService/x",
            "/us/icserver1/icws/..;/WebHTMLService/x",
            "/us/icserver1/icws/..;a=b/WebHTMLService/x",
            "/us/icserver1/icws/..%3b/WebHTMLService/x",
            "/us/icserver1/icws/..%3ba%3db/WebHTMLService/x",
            "/us/icserver1/icws/..%253b/WebHTMLService/x",
            "/us/icserver1/icws/%2e%2e;/WebHTMLService/x",
            "/us/icserver1/icws/%252e%252e;x/WebHTMLService/x",
            "/us/icserver1/icws/.;/../WebHTMLService/x",
            "/us/icserver1/icws/;/../../WebHTMLService/icws/x",
            "/us/icserver1/icws/1/..//../WebHTMLService/x",
            "/us/icserver1/icws//../WebHTMLService/x",
            "/us/icserver1/icws/1//..//..//WebHTMLService/x",
            "/us/icserver1/icws/1/../../WebHTMLService/x",
            "/us/icserver1/icws/1/%2e%2e/..%2fWebHTMLService/x",
            "/us/icserver1/icws/%EF%BC%8E%EF%BC%8E/WebHTMLService/x",
            "/us/icserver1/icws/..%EF%BC%8FWebHTMLService/x",
            "/us/icserver1/icws/%EF%BC%8E%EF%BC%8E%EF%BC%8FWebHTMLService/x",
            "/us/icserver1/icws/..%EF%BC%BCWebHTMLService/x",
            "/us/icserver1/icws/..%E2%88%95WebHTMLService/x",
            "/us/icserver1/icws/%E2%80%A5/WebHTMLService/x",
            "/us/icserver1/icws/..%EF%BC%9B/WebHTMLService/x",
            "/us/icserver1/icws/%EF%BC%852e%EF%BC%852e/WebHTMLService/x",
            "/us/icserver1/icws/..",
            "/us/icserver1/icws/%2e%2e",
            "/us/icserver1/icws/a/../..%3f/../../icws/x",
        ],
    ),
    // To another server, by climbing or by a disguised name.
    (
        "ambiguous",
        &[
            "/us/icserver1/../icserver2/icws/x",
            "/us/icserver1/%2e%2e/icserver2/icws/x",
            "/us/icserver1/..%2ficserver2/icws/x",
            "/us/icserver1/..;/icserver2/icws/x",
            "/us/icserver1/icws/../../icserver2/icws/x",
            "/us/icserver1/icws/../../icserver1/icws/x",
            "/us/icserver1/icws/%2e%2e/%2e%2e/icserver1/icws/x",
            "/us/icserver1/icws/..%2f..%2ficserver2%2ficws%2fx",
            "/us/icserver1/..\\icserver2\\icws\\x",
            "/us/icserver1;x/icws/x",
            "/us/icserver1;/icws/x",
            "/us;x/icserver1/icws/x",
            "/us%2ficserver1/icws/x",
            "/us/icserver1%2ficws/x",
            "/us/icserver1%2ficws%2fx",
            "/us/%69cserver1/icws/x",
            "/us/icserver%31/icws/x",
            "/us/icserver%2531/icws/x",
            "/%75s/icserver1/icws/x",
            "/us//icserver1/icws/x",
            "//us/icserver1/icws/x",
            "/./us/icserver1/icws/x",
            "/x/../us/icserver1/icws/x",
            "/us/./icserver1/icws/x",
            "/us\\icserver1\\icws\\x",
            "/us/icserver1\\icws/x",
            "/us/icserver1//icws/x",
            "/us/icserver1/%2ficws/x",
            "/us/icserver1/i%63ws/x",
            "/us/icserver1/icws%2fx",
            "/us/icserver1/icws;x/1",
            "/us/icserver1/icws;/1",
            "/us/icserver1/a%2ficws/icws/1",
            "/us/icserver1/./icws/1",
            "/us/icserver1/x/../icws/1",
            "/us/icserver1/%EF%BD%89cws/1",
            "/us/icserver1/icws%EF%BC%8F1",
        ],
    ),
    // Around {server}.
    (
        "ambiguous",
        &[
            "/apps/client/api/icserver%31/icws/x",
            "/apps/client/api/icserver1;x/icws/x",
            "/apps/client/api/icserver1%3bx/icws/x",
            "/apps/client/api/icserver1%2ficws/x",
            "/apps/client/api/icserver1%2f..%2ficserver2/icws/x",
            "/apps/client/api/icserver1/../icserver2/icws/x",
            "/apps/client/api/icserver1/..%2ficserver2/icws/x",
            "/apps/client/api/icserver1/icws/../../icserver1/icws/x",
            "/apps/client/api/icserver1/icws/..%5c..%5cicserver2%5cicws%5cx",
            "/apps/client/api/other/../icserver1/icws/x",
            "/apps/client/api/./icserver1/icws/x",
            "/apps/client/api//icserver1/icws/x",
            "/apps/client/api%2ficserver1/icws/x",
            "/apps/client/ap%69/icserver1/icws/x",
            "/apps/client/api\\icserver1\\icws\\x",
            "/apps/client/api/%49CSERVER1/icws/x",
            "/apps/client/api/%EF%BD%89cserver1/icws/x",
            "/a%2fb/api/icserver1/icws/x",
            "/a;b/api/icserver1/icws/x",
            "/a/../api/icserver1/icws/x",
            "/a/%2e%2e/api/icserver1/icws/x",
            "/a//api/icserver1/icws/x",
            "/a\\api/icserver1/icws/x",
            "/api/icserver1/icws/1/x%2fapi%2ficserver2%2ficws%2fy",
            "/api/icserver1/icws/1%252fapi%252ficserver2%252ficws%252fy",
            "/us/icserver1/icws/1%2fapi%2ficserver2%2ficws%2fy",
            "/apps/client/api/icserver1/icws/1/api%2ficserver1/x",
        ],
    ),
    // Web Tools, WebHTMLService and the folder they share.
    (
        "ambiguous",
        &[
            "/I3Root/Server1/websvcs/../admin",
            "/I3Root/Server1/websvcs/%2e%2e/admin",
            "/I3Root/Server1/websvcs/..%2fadmin",
            "/I3Root/Server1/websvcs/%252e%252e%252fadmin",
            "/I3Root/Server1/websvcs/..;/admin",
            "/I3Root/Server1/websvcs/..\\admin",
            "/I3Root/Server1/websvcs/../../Server2/websvcs/chat/start",
            "/I3Root/Server1/websvcs/../websvcs/../../Server2/websvcs/x",
            "/I3Root/Server1/websvcs/../../Server1/websvcs/x",
            "/I3Root/Server1/websvcs;x/chat/start",
            "/I3Root/Server1/web%73vcs/chat/start",
            "/I3Root/Server1/websvcs%2fchat/start",
            "/I3Root/Server1//websvcs/chat/start",
            "/I3Root/Server1%2fwebsvcs/chat/start",
            "/I3Root/Server1;x/websvcs/chat/start",
            "/I3Root/Server%31/websvcs/chat/start",
            "/I3Root//Server1/websvcs/chat/start",
            "/I3Root/x/../Server1/websvcs/chat/start",
            "/I3Root/./Server1/websvcs/chat/start",
            "/I3Root/Server1/../index.html",
            "/I3Root/Server1/%2e%2e/index.html",
            "/I3Root/WebServices/Server1/../x",
            "/I3Root/WebServices/Server1/..%2f..%2fServer1%2fwebsvcs%2fx",
            "/I3Root/WebServices/Server1/..%2f..%2ficws%2fconnection",
            "/I3Root/WebServices/Server1/%252e%252e/icws/connection",
            "/I3Root/WebServices/Server1/..;/..;/icws/connection",
            "/I3Root/WebServices/Server1/..\\icws\\connection",
            "/I3Root/../us/icserver1/icws/connection",
            "/I3Root/..%2fsecret",
            "/I3Root/%2e%2e/secret",
            "/I3Root/..\\secret",
            "/I3Root/%252e%252e/secret",
            "/I3Root/..;/secret",
            "/I3Root/a/../../secret",
            "/I3Root/%EF%BC%8E%EF%BC%8E%EF%BC%8Fsecret",
            "/I3Root//evil.example/",
            "/I3Root/%2fevil.example/",
            "/I3Root/\\evil.example/",
            "/I3Root/%5cevil.example/",
            "/I3Root/%252fevil.example/",
            "/I3Root/;x/evil.example/",
        ],
    ),
    // Plain mapped servers.
    (
        "ambiguous",
        &[
            "/gadgets/../us/icserver1/icws/connection",
            "/gadgets/%2e%2e/admin",
            "/gadgets/%2e%2e/gadgets/x",
            "/gadgets/a/../../gadgets/x",
            "/gadgets/..%2fother",
            "/gadgets/%252e%252e%252fother",
            "/gadgets/..;/other",
            "/gadgets/..%5cother",
            "/listed/public/../admin",
            "/listed/public/%2e%2e/admin",
            "/listed/public/..;/admin",
            "/listed/public%2fx",
            "/listed/one%2ecss",
            "/listed/one.css;x",
            "/listed/one.css%3fx",
            "/listed/x/../one.css",
            "/favicon%2eico",
            "/favicon.ico;x",
            "/./favicon.ico",
            "/x/../favicon.ico",
            "//favicon.ico",
            "/favicon.ico%23x",
        ],
    ),
    // Above the root, or not far from it.
    (
        "ambiguous",
        &[
            "/us/icserver1/icws/.../x",
            "/us/icserver1/icws/..%20/x",
            "/us/icserver1/icws/%20../x",
            "/us/icserver1/icws/..%C2%A0/x",
            "/../us/icserver1/icws/x",
            "/us/../../us/icserver1/icws/x",
            "/%2e%2e/etc/passwd",
            "/..%2f..%2f..%2fetc/passwd",
            "/us/icserver1/../../../icws/x",
            "/I3Root/../../etc/passwd",
            "/favicon.ico/../../x",
        ],
    ),
    // What no server should ever see.
    (
        "bad",
        &[
            "",
            "*",
            "us/icserver1/icws/x",
            "http://icserver1/icws/x",
            "/us/icserver1/icws/x%00",
            "/us/icserver1/icws/%2500",
            "/us/icserver1/icws/x%00.css",
            "/us/icserver1/icws/%0d%0aSet-Cookie:x",
            "/us/icserver1/icws/%250d%250aX",
            "/us/icserver1/icws/%09",
            "/us/icserver1/icws/%1b",
            "/us/icserver1/icws/%7f",
            "/us/icserver1/icws/%C2%85",
            "/us/icserver1/icws/%",
            "/us/icserver1/icws/%2",
            "/us/icserver1/icws/%zz",
            "/us/icserver1/icws/%%32%65",
            "/us/icserver1/icws/%u002e%u002e/x",
            "/us/icserver1/icws/%25u002e%25u002e/x",
            "/us/icserver1/icws/%c0%ae%c0%ae/x",
            "/us/icserver1/icws/..%c0%af/x",
            "/us/icserver1/icws/%e0%80%ae/x",
            "/us/icserver1/icws/%f0%80%80%ae/x",
            "/us/icserver1/icws/%25c0%25ae/x",
            "/us/icserver1/icws/%ff",
            "/us/icserver1/icws/%c3",
            "/us/icserver1/icws/%c3;%a9",
            "/us/icserver1/icws/%ed%a0%80",
            "/us/icserver1/icws/a b",
            "/us/icserver1/icws/a\tb",
            "/us/icserver1/icws/\0",
            "/us/icserver1/icws/\u{e9}",
            "/us/icserver1/icws/x?y",
            "/us/icserver1/icws/x#y",
            "/us/icserver1/icws/<script>",
        ],
    ),
    // Nothing there however it is read.
    (
        "unknown",
        &[
            "/",
            "/us/icserver1",
            "/us/icserver3/icws/x",
            "/US/icserver1/icws/x",
            "/us/icserver1x/icws/x",
            "/us/icserver1./icws/x",
            "/i3root/Server1/websvcs/x",
            "/gadgetsx/",
            "/favicon.ico/x",
            "/favicon.icoo",
            "/nothing/a%2fb",
            "/nothing/../else",
            "/apps%20/client/x",
            "/api/icserver1",
        ],
    ),
    (
        "not exposed",
        &[
            "/us/icserver1/",
            "/us/icserver1/icws",
            "/us/icserver1/WebHTMLService/doHTMLRequest",
            "/us/icserver1/icwsx/1",
            "/us/icserver1/x%20y/icws/1",
            "/us/icserver1/a%2fb",
            "/api/icserver1/WebHTMLService/x",
            "/apps/client/api/icserver1/WebHTMLService/x",
            "/I3Root/Server1/",
            "/I3Root/Server1/admin",
            "/I3Root/Server1/websvcs",
            "/I3Root/Server1/websvcsx/chat",
            "/listed/",
            "/listed/Public/x",
            "/listed/one.css/x",
            "/listed/secret%2fx",
        ],
    ),
    (
        "unknown server",
        &[
            "/apps/client/api/other/icws/connection",
            "/apps/client/api/icserver12/icws/connection",
            "/apps/client/api/127.0.0.1/icws/connection",
            "/apps/client/api/icserver1:8018/icws/connection",
            "/apps/client/api/user@icserver1/icws/connection",
            "/apps/client/api/icserver1%20/icws/x",
            "/x/api/other/icws/connection",
            "/x/api/169.254.169.254/latest/meta-data/",
        ],
    ),
];

#[test]
fn a_refusal_says_which_reading_led_where() {
    let table = table();
    for (path, says) in [
        (
            "/us/icserver1/icws/%252e%252e/WebHTMLService/x",
            "decoded twice, then with dot segments resolved, the path reads `/us/icserver1/WebHTMLService/x`, which \
             leads to the route `/us/icserver1/`, where the path has no part that its server exposes",
        ),
        (
            "/us/icserver1;x/icws/1",
            "as written the path leads to no route; with `;` parameters dropped, the path reads \
             `/us/icserver1/icws/1`, which leads to `/us/icserver1/`",
        ),
        (
            "/gadgets/%2e%2e/gadgets/x",
            "decoded, then with dot segments resolved, the path that the server would get reads `/base/gadgets/x`, \
             which is not exposed",
        ),
        (
            "/I3Root//evil/",
            "the path that the server would get reads `//evil/`, which may be taken for another host",
        ),
        (
            "/I3Root/Server1/admin",
            "the route `/I3Root/Server1/` matches, but `/admin` is not exposed",
        ),
        (
            "/x/api/other/",
            "the server name `other` is not in the list of the route that the path belongs to",
        ),
        ("/nothing", "the path leads to no route"),
        (
            "/a%00",
            "decoded, the path contains the control character U+0000",
        ),
        (
            "/%2e.",
            "as written the path leads to no route; decoded, the path reads `/..`, which climbs above its root",
        ),
    ] {
        let refusal = judge(table, path).err().map(|r| r.to_string());
        assert_eq!(refusal.as_deref(), Some(says), "{path}");
    }
}

#[test]
fn what_a_client_wrote_is_cut_short_and_escaped_in_the_sentence() {
    let path = format!("/apps/client/api/{}/x", "\\u202e%e2%80%ae".repeat(200));
    let sentence = judge(table(), &path)
        .err()
        .map(|r| r.to_string())
        .unwrap_or_default();
    assert!(sentence.len() < 2500, "{} bytes", sentence.len());
    assert!(!sentence.contains('\u{202e}'), "{sentence}");
}

#[test]
fn the_longest_path_is_judged_and_a_longer_one_is_refused() {
    let table = table();
    let prefix = "/us/icserver1/icws/1/";
    let longest = prefix.to_owned() + &"%2F".repeat((MAX_PATH_BYTES - prefix.len()) / 3);
    assert_eq!(
        outcome(table, &longest),
        format!("0 {}", longest.strip_prefix("/us/icserver1").unwrap())
    );
    assert_eq!(outcome(table, &(longest + "abcd")), "bad");
}

#[test]
fn an_identifier_of_nothing_but_special_characters_passes() {
    let identifier = "CORP%5Ca%2Fb%3Bc;d%25e%3Ff%23g%20h%C3%A9%EF%BC%8F..i";
    let path = format!("/us/icserver1/icws/1/users/{identifier}/{identifier}");
    let expected = format!("0 /icws/1/users/{identifier}/{identifier}");
    assert_eq!(outcome(table(), &path), expected);
}

fn trick() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "/",
        "/",
        "/",
        "/",
        "..",
        "..",
        ".",
        "%2e",
        "%2E%2e",
        "%252e",
        "%2f",
        "%252f",
        "%5c",
        "\\",
        "%255c",
        ";",
        "%3b",
        "%253b",
        "//",
        "..;",
        "%25",
        "%3f",
        "%23",
        "%20",
        "a",
        "%61",
        "x",
        "icws",
        "icws",
        "ICWS",
        "websvcs",
        "us",
        "icserver1",
        "icserver2",
        "api",
        "apps",
        "client",
        "I3Root",
        "Server1",
        "Server2",
        "WebServices",
        "WebHTMLService",
        "gadgets",
        "listed",
        "public",
        "one.css",
        "favicon.ico",
        "%EF%BC%8E",
        "%EF%BC%8F",
        "%E2%80%A5",
        "%EF%BC%85",
        "%C3%A9",
        "%69",
    ]);
    let start = prop::sample::select(vec![
        "/",
        "/us/icserver1/",
        "/us/icserver1/icws/",
        "/us/icserver1/icws/1/2/3/",
        "/apps/client/api/icserver1/icws/1/",
        "/x/api/icserver2/icws/1/",
        "/I3Root/",
        "/I3Root/Server1/websvcs/a/b/",
        "/I3Root/WebServices/Server1/a/",
        "/gadgets/a/b/",
        "/listed/public/a/b/",
        "/apps/client/",
    ]);
    (start, prop::collection::vec(token, 0..10))
        .prop_map(|(start, tokens)| start.to_owned() + &tokens.concat())
}

/// A server of random habits that decodes at most twice.
fn habits() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(0..OPS.len(), 0..9).prop_map(|picks| {
        let mut decodings = 0;
        let ops = picks.into_iter().map(|i| OPS[i]);
        ops.filter(|op| {
            decodings += usize::from(oracle::is_decode(*op));
            !oracle::is_decode(*op) || decodings <= 2
        })
        .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn no_accepted_path_leaves_the_exposed_area_whatever_the_server_does(
        path in trick(),
        habits in prop::collection::vec(habits(), 8),
    ) {
        let table = table();
        if let Ok(judged) = judge(table, &path) {
            assert_no_server_is_fooled(&judged, &path);
            for ops in habits {
                assert_stays_inside(&judged, &path, &ops, "a server of random habits");
            }
        }
    }

    #[test]
    fn the_shortcut_for_plain_paths_changes_no_verdict(path in trick(), plain in "(/[a-z.]{0,3}(icws|us|icserver1|api)?){0,6}") {
        let table = table();
        for path in [path.as_str(), plain.as_str()] {
            let fast = judge(table, path);
            let slow = scan(path).map_err(PathRefusal::from).and_then(|_| judge_every_reading(table, path));
            let comparable = |r: Result<Judged<'_, '_, Kind>, PathRefusal>| r.map(|j| (j.index, j.server, j.inner_path()));
            prop_assert_eq!(comparable(fast), comparable(slow), "{}", path);
        }
    }

    #[test]
    fn no_input_makes_it_panic(path in "\\PC{0,40}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let table = table();
        let _ = judge(table, &path).is_ok();
        let mut escaped = String::from("/us/icserver1/icws/");
        for byte in bytes {
            escaped += &format!("%{byte:02x}");
        }
        if let Ok(judged) = judge(table, &escaped) {
            assert_no_server_is_fooled(&judged, &escaped);
        }
    }
}
