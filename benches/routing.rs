//! Host lookup and path judgement at 10,000 hosts with 10 routes each. The aim is under a microsecond per request.

use std::sync::Arc;

use divan::{Bencher, black_box};
use portcullis::routing::{
    Exposed, ExposedPath, Exposes, HostKey, HostMap, Mapping, RouteSpec, RouteTable, judge,
};

const HOSTS: usize = 10_000;

/// A host map names few servers many times, so what belongs to a server is shared.
struct Route(Mapping);

impl Exposes for Route {
    fn mapping(&self, _server: Option<usize>) -> &Mapping {
        &self.0
    }
}

fn main() {
    divan::main();
}

fn icws() -> Arc<Route> {
    let exposed = ExposedPath::any_case(parse("/icws/"));
    let exposed = Exposed::Only(vec![exposed]);
    Arc::new(Route(Mapping::from_segment("icws", exposed)))
}

fn below(inner_prefix: &str) -> Arc<Route> {
    let inner_prefix = parse(inner_prefix);
    Arc::new(Route(Mapping::below(inner_prefix, Exposed::Everything)))
}

fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("the bench's own text is well formed")
}

fn routes(icws: &Arc<Route>, files: &Arc<Route>) -> RouteTable<Arc<Route>> {
    let names = vec!["icserver1".to_owned(), "icserver2".to_owned()];
    let mut specs = vec![
        RouteSpec::to_named(
            parse("/apps/client/api/{server}/"),
            names.clone(),
            icws.clone(),
        ),
        RouteSpec::to_named(parse("/**/api/{server}/"), names, icws.clone()),
        RouteSpec::to_one(parse("/I3Root/"), files.clone()),
    ];
    for i in 1..=7 {
        specs.push(RouteSpec::to_one(
            parse(&format!("/us/icserver{i}/")),
            icws.clone(),
        ));
    }
    RouteTable::build(specs).expect("the bench's own routes do not collide")
}

fn hosts() -> HostMap<RouteTable<Arc<Route>>> {
    let (icws, files) = (icws(), below("/"));
    let key = |i| parse::<HostKey>(&format!("proxy{i}.contact-center.example.com"));
    HostMap::build(
        (0..HOSTS)
            .map(|i| (key(i), routes(&icws, &files)))
            .collect(),
    )
    .expect("no host is twice")
}

const PATHS: [&str; 4] = [
    "/us/icserver3/icws/2444387001/messaging/messages",
    "/apps/client/api/icserver2/icws/2444387001/connection/station",
    "/I3Root/index.html",
    "/apps/admin/api/icserver2/icws/2444387001/configuration/users/a%2fb",
];

/// The worst case for the caches: every request is for a host not asked for in a long time.
#[divan::bench(sample_size = 500, args = PATHS)]
fn every_request_for_another_host(bencher: Bencher, path: &str) {
    requests(bencher, path, 4_999);
}

/// A busy host, all of whose tables are in the caches.
#[divan::bench(sample_size = 500, args = PATHS)]
fn every_request_for_the_same_host(bencher: Bencher, path: &str) {
    requests(bencher, path, 0);
}

fn requests(bencher: Bencher, path: &str, stride: usize) {
    let hosts = hosts();
    let mut turn = 0;
    // The name is made just before, as a request's header has just been parsed.
    let host_header = || {
        turn = (turn + stride) % HOSTS;
        format!("proxy{turn}.contact-center.example.com:443")
    };
    bencher.with_inputs(host_header).bench_local_refs(|name| {
        let routes = hosts.find(name, 443).expect("every host is in the map");
        let judged = judge(routes, black_box(path));
        judged.map(|judged| judged.rest.len()).is_ok()
    });
}

#[divan::bench(sample_count = 5)]
fn compile_all_hosts() -> usize {
    black_box(hosts());
    HOSTS
}

/// The most that a path of tricks can cost.
#[divan::bench(sample_count = 20)]
fn judge_the_nastiest_path(bencher: Bencher) {
    let routes = routes(&icws(), &below("/"));
    let path =
        "/us/icserver1/icws/1".to_owned() + &"/%2525%253b;\\./%2f%EF%BC%8F//%253f".repeat(200);
    bencher.bench_local(|| judge(&routes, black_box(&path)).is_ok());
}

/// A plain path made to have as many places for `/**/api/{server}/` as fit.
#[divan::bench]
fn judge_a_path_of_nothing_but_markers(bencher: Bencher) {
    let routes = routes(&icws(), &below("/"));
    let path = "/x/api".repeat(1_300) + "/icserver1";
    bencher.bench_local(|| judge(&routes, black_box(&path)).is_ok());
}
