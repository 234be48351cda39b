use proptest::prelude::*;

use super::*;

fn table(routes: &[(&str, &[&str])]) -> Result<RouteTable<()>, Vec<RouteConflict>> {
    let spec = |(pattern, servers): &(&str, &[&str])| RouteSpec {
        pattern: pattern.parse().unwrap(),
        servers: (!servers.is_empty()).then(|| servers.iter().map(|&s| s.into()).collect()),
        route: (),
    };
    RouteTable::build(routes.iter().map(spec).collect())
}

/// `route[.server] prefix|rest`, `?name` or `-`.
fn outcome(table: &RouteTable<()>, path: &str) -> String {
    match table.find(path) {
        Found::Route(m) => {
            let server = m.server.map(|s| format!(".{s}")).unwrap_or_default();
            format!("{}{server} {}|{}", m.index, m.prefix, m.rest)
        }
        Found::UnknownServer { name, .. } => format!("?{name}"),
        Found::Nothing => "-".to_owned(),
    }
}

#[test]
fn the_longest_route_wins_whatever_the_order() {
    let mut routes: Vec<(&str, &[&str])> = vec![
        ("/I3Root/", &[]),
        ("/I3Root/Server1/", &[]),
        ("/I3Root/WebServices/Server1/", &[]),
        ("/favicon.ico", &[]),
        ("/apps/", &[]),
        ("/apps/client/api/{server}/", &["ic1", "IC2.corp"]),
        ("/apps/client/api/ic1/icws/special/", &[]),
        ("/a/b/c", &[]),
        ("/a/b/", &[]),
    ];
    let rows = [
        ("/I3Root/", "/I3Root/ /I3Root/|"),
        ("/I3Root/index.html", "/I3Root/ /I3Root/|index.html"),
        ("/I3Root", "-"),
        ("/i3root/", "-"),
        ("/I3Root2/", "-"),
        ("/I3Root/Server1", "/I3Root/ /I3Root/|Server1"),
        ("/I3Root/Server1/", "/I3Root/Server1/ /I3Root/Server1/|"),
        ("/I3Root/Server12/x", "/I3Root/ /I3Root/|Server12/x"),
        (
            "/I3Root/Server1/websvcs/x",
            "/I3Root/Server1/ /I3Root/Server1/|websvcs/x",
        ),
        ("/I3Root/WebServices/x", "/I3Root/ /I3Root/|WebServices/x"),
        ("/favicon.ico", "/favicon.ico /|favicon.ico"),
        ("/favicon.ico/", "-"),
        ("/", "-"),
        ("", "-"),
        ("favicon.ico", "-"),
        ("/apps/client/index.html", "/apps/ /apps/|client/index.html"),
        ("/apps/client/api/ic1", "/apps/ /apps/|client/api/ic1"),
        (
            "/apps/client/api/ic1/",
            "/apps/client/api/{server}/.0 /apps/client/api/ic1/|",
        ),
        (
            "/apps/client/api/IC1/icws/1",
            "/apps/client/api/{server}/.0 /apps/client/api/IC1/|icws/1",
        ),
        (
            "/apps/client/api/ic2.CORP/icws/1",
            "/apps/client/api/{server}/.1 /apps/client/api/ic2.CORP/|icws/1",
        ),
        (
            "/apps/client/API/ic1/icws/1",
            "/apps/ /apps/|client/API/ic1/icws/1",
        ),
        ("/apps/client/api/ic3/icws/1", "?ic3"),
        (
            "/apps/client/api//icws/1",
            "/apps/ /apps/|client/api//icws/1",
        ),
        (
            "/apps/client/api/ic1/icws/special/x",
            "/apps/client/api/ic1/icws/special/ /apps/client/api/ic1/icws/special/|x",
        ),
        (
            "/apps/client/api/ic1/icws/specials",
            "/apps/client/api/{server}/.0 /apps/client/api/ic1/|icws/specials",
        ),
        ("/a/b/c", "/a/b/c /a/b/|c"),
        ("/a/b/c/", "/a/b/ /a/b/|c/"),
        ("/a/b/cc", "/a/b/ /a/b/|cc"),
    ];
    for _ in 0..2 {
        let table = table(&routes).unwrap();
        for (path, expected) in rows {
            // The pattern instead of its position, so that rows hold in any order.
            let got = match table.find(path) {
                Found::Route(m) => {
                    let full = outcome(&table, path);
                    full.replacen(&m.index.to_string(), m.pattern.as_str(), 1)
                }
                _ => outcome(&table, path),
            };
            assert_eq!(got, expected, "{path}");
        }
        routes.reverse();
    }
}

#[test]
fn under_any_prefix_the_last_api_with_a_listed_name_wins() {
    let table = table(&[
        ("/**/api/{server}/", &["ic1", "ic2"]),
        ("/apps/client/", &[]),
        ("/gadgets/api/", &[]),
        ("/us/api/ic1/", &[]),
        ("/own/api/{server}/", &["ic2"]),
    ])
    .unwrap();
    for (path, expected) in [
        ("/api/ic1/icws/1", "0.0 /api/ic1/|icws/1"),
        ("/api/ic1", "-"),
        (
            "/apps/client/api/IC2/icws/1",
            "0.1 /apps/client/api/IC2/|icws/1",
        ),
        ("/x/y/z/api/ic1/", "0.0 /x/y/z/api/ic1/|"),
        ("/api/ic1/api/ic2/x", "0.1 /api/ic1/api/ic2/|x"),
        ("/api/ic1/api/other/x", "0.0 /api/ic1/|api/other/x"),
        ("/api/other/api/ic1/x", "0.0 /api/other/api/ic1/|x"),
        ("/api/api/ic1/x", "0.0 /api/api/ic1/|x"),
        ("/apps/client/api/other/x", "?other"),
        ("/apps/client/app.js", "1 /apps/client/|app.js"),
        ("/gadgets/api/v1/x", "2 /gadgets/api/|v1/x"),
        ("/gadgets/api/ic1/x", "0.0 /gadgets/api/ic1/|x"),
        ("/gadgets/x", "-"),
        ("/us/api/ic1/x", "3 /us/api/ic1/|x"),
        ("/own/api/ic2/x", "4.0 /own/api/ic2/|x"),
        ("/own/api/ic1/x", "0.0 /own/api/ic1/|x"),
        ("/own/api/ic3/x", "?ic3"),
        ("/a%20b/api/ic1/x", "-"),
        ("/a;b/api/ic1/x", "-"),
        ("/../api/ic1/x", "-"),
        ("/./api/ic1/x", "-"),
        ("//api/ic1/x", "-"),
    ] {
        assert_eq!(outcome(&table, path), expected, "{path}");
    }
}

#[test]
fn routes_that_cannot_all_be_reached_are_reported_with_every_place() {
    type Routes<'a> = &'a [(&'a str, &'a [&'a str])];
    let rows: [(Routes, &[&str]); 14] = [
        (
            &[("/a/", &[]), ("/b/", &[]), ("/a/", &[])],
            &["SamePath 0 2"],
        ),
        (&[("/a", &[]), ("/a", &[])], &["SamePath 0 1"]),
        (&[("/", &[]), ("/", &[])], &["SamePath 0 1"]),
        (&[("/x/a/", &[]), ("/x/a", &[])], &["SlashOnly 0 1"]),
        (
            &[("/a/{server}/", &["s"]), ("/a/{server}/", &["S", "t"])],
            &["ServerTwice 0 1"],
        ),
        (&[("/a/{server}/", &["s", "S"])], &["ServerTwice 0 0"]),
        (
            &[("/**/api/{server}/", &["s"]), ("/**/api/{server}/", &["s"])],
            &["ServerTwice 0 1"],
        ),
        (
            &[("/a/{server}/", &["s", "t"]), ("/a/T/", &[])],
            &["Hidden 1 0"],
        ),
        (
            &[("/a/{server}/", &["s", "t"]), ("/a/t", &[])],
            &["Hidden 1 0"],
        ),
        (&[("/a/{server}/", &[])], &["NoServers 0 0"]),
        (&[("/a/", &["s"])], &["NoPlaceholder 0 0"]),
        (
            &[("/a/{server}/", &["s/t", "..", "a%20", ""])],
            &["BadName 0 0"; 4],
        ),
        (&[("/a/{server}/", &["s"]), ("/a/{server}/", &["t"])], &[]),
        (
            &[
                ("/**/api/{server}/", &["s"]),
                ("/x/api/{server}/", &["s"]),
                ("/y/api/s/", &[]),
            ],
            &[],
        ),
    ];
    for (routes, expected) in rows {
        let got: Vec<String> = table(routes)
            .err()
            .unwrap_or_default()
            .iter()
            .map(name)
            .collect();
        assert_eq!(got, expected, "{routes:?}");
    }
}

fn name(conflict: &RouteConflict) -> String {
    use RouteConflict::*;
    let (name, first, second) = match *conflict {
        SamePath { first, second, .. } => ("SamePath", first, second),
        SlashOnly { first, second, .. } => ("SlashOnly", first, second),
        ServerTwice { first, second, .. } => ("ServerTwice", first, second),
        Hidden { first, second, .. } => ("Hidden", first, second),
        NoServers { route } => ("NoServers", route, route),
        NoPlaceholder { route } => ("NoPlaceholder", route, route),
        BadName { route, .. } => ("BadName", route, route),
    };
    format!("{name} {first} {second}")
}

/// What `find` must say, worked out route by route on strings.
fn reference(routes: &[(String, Vec<String>)], path: &str) -> String {
    // (length, 2 for spelled out, 1 for `{server}`, 0 for unknown; outcome)
    let mut candidates: Vec<(usize, u8, String)> = Vec::new();
    for (index, (pattern, servers)) in routes.iter().enumerate() {
        if let Some(before) = pattern.strip_suffix("{server}/") {
            let Some((name, _)) = path
                .strip_prefix(before)
                .and_then(|rest| rest.split_once('/'))
            else {
                continue;
            };
            if name.is_empty() {
                continue;
            }
            let length = before.len() + name.len() + 1;
            let (prefix, rest) = path.split_at(length);
            let server = servers.iter().position(|s| s.eq_ignore_ascii_case(name));
            candidates.push(match server {
                Some(server) => (length, 1, format!("{index}.{server} {prefix}|{rest}")),
                None => (length, 0, format!("?{name}")),
            });
        } else if pattern.ends_with('/') {
            if let Some(rest) = path.strip_prefix(pattern.as_str()) {
                candidates.push((pattern.len(), 2, format!("{index} {pattern}|{rest}")));
            }
        } else if path == pattern {
            let split = pattern.rfind('/').unwrap() + 1;
            let (prefix, rest) = path.split_at(split);
            candidates.push((path.len(), 2, format!("{index} {prefix}|{rest}")));
        }
    }
    let best = candidates.into_iter().max_by_key(|c| (c.0, c.1));
    best.map_or("-".to_owned(), |c| c.2)
}

fn pattern() -> impl Strategy<Value = (String, Vec<String>)> {
    let segments = prop::collection::vec(prop::sample::select(vec!["a", "b", "aa", "api"]), 0..4);
    (
        segments,
        0..3u8,
        prop::sample::subsequence(vec!["a", "ic1", "Ic2"], 1..3),
    )
        .prop_map(|(segments, kind, servers)| {
            let mut path = String::from("/");
            for segment in &segments {
                path = path + segment + "/";
            }
            match kind {
                0 => (path, vec![]),
                1 if !segments.is_empty() => (path.trim_end_matches('/').to_owned(), vec![]),
                1 => (path, vec![]),
                _ => (
                    path + "{server}/",
                    servers.iter().map(|&s| s.to_owned()).collect(),
                ),
            }
        })
}

proptest! {
    #[test]
    fn find_agrees_with_a_linear_search_for_the_longest(
        routes in prop::collection::vec(pattern(), 0..8),
        paths in prop::collection::vec(prop::collection::vec(
            prop::sample::select(vec!["a", "b", "aa", "api", "ic1", "IC2", "x", ""]), 0..6), 1..20),
    ) {
        let specs = routes.iter().map(|(pattern, servers)| RouteSpec {
            pattern: pattern.parse().unwrap(),
            servers: (!servers.is_empty()).then(|| servers.clone()),
            route: (),
        });
        if let Ok(table) = RouteTable::build(specs.collect()) {
            for path in paths {
                let path = format!("/{}", path.join("/"));
                prop_assert_eq!(outcome(&table, &path), reference(&routes, &path), "{}", path);
            }
        }
    }

    #[test]
    fn under_any_prefix_find_agrees_with_the_vendors_expression(
        path in prop::collection::vec(prop::sample::select(vec!["api", "ic1", "IC2", "x", "y.z"]), 0..8),
        slash in any::<bool>(),
    ) {
        let table = table(&[("/**/api/{server}/", &["ic1", "ic2"])]).unwrap();
        let path = format!("/{}{}", path.join("/"), if slash { "/" } else { "" });
        // The greedy `(.*/)api/([^/]+)(/.*)`, name by name from the right.
        let expected = path.rmatch_indices("/api/").find_map(|(at, _)| {
            let (name, _) = path.get(at + 5..)?.split_once('/')?;
            let server = ["ic1", "ic2"].iter().position(|s| s.eq_ignore_ascii_case(name))?;
            let (prefix, rest) = path.split_at(at + 5 + name.len() + 1);
            Some(format!("0.{server} {prefix}|{rest}"))
        });
        let got = outcome(&table, &path);
        match expected {
            Some(expected) => prop_assert_eq!(got, expected),
            None => prop_assert!(!got.starts_with('0'), "{} for {}", got, path),
        }
    }
}
