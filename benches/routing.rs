//! Host lookup and path judgement at 10,000 hosts with 10 routes each. The aim is under a microsecond per request.

use divan::{Bencher, black_box};
use portcullis::routing::{
    Exposed, ExposedPath, Exposes, HostKey, HostMap, Mapping, RouteSpec, RouteTable, judge,
};

const HOSTS: usize = 10_000;

struct Route(Mapping);

impl Exposes for Route {
    fn mapping(&self, _server: Option<usize>) -> &Mapping {
        &self.0
    }
}

fn main() {
    divan::main();
}

fn icws() -> Route {
    let exposed = ExposedPath::any_case(parse("/icws/"));
    Route(Mapping::from_segment("icws", Exposed::Only(vec![exposed])))
}

fn below(inner_prefix: &str) -> Route {
    Route(Mapping::below(parse(inner_prefix), Exposed::Everything))
}

fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("the bench's own text is well formed")
}

fn routes() -> RouteTable<Route> {
    let names = vec!["icserver1".to_owned(), "icserver2".to_owned()];
    let mut specs = vec![
        RouteSpec::to_named(parse("/apps/client/api/{server}/"), names.clone(), icws()),
        RouteSpec::to_named(parse("/**/api/{server}/"), names, icws()),
        RouteSpec::to_one(parse("/I3Root/"), below("/")),
    ];
    for i in 1..=7 {
        specs.push(RouteSpec::to_one(
            parse(&format!("/us/icserver{i}/")),
            icws(),
        ));
    }
    RouteTable::build(specs).expect("the bench's own routes do not collide")
}

fn hosts() -> HostMap<RouteTable<Route>> {
    let key = |i| parse::<HostKey>(&format!("proxy{i}.contact-center.example.com"));
    HostMap::build((0..HOSTS).map(|i| (key(i), routes())).collect()).expect("no host is twice")
}

#[divan::bench(sample_size = 1000, args = [
    "/us/icserver3/icws/2444387001/messaging/messages",
    "/apps/client/api/icserver2/icws/2444387001/connection/station",
    "/apps/admin/api/icserver2/icws/2444387001/configuration/users/a%2fb",
    "/I3Root/index.html",
])]
fn find_host_and_judge_path(bencher: Bencher, path: &str) {
    let hosts = hosts();
    let names: Vec<_> = (0..HOSTS)
        .map(|i| format!("proxy{i}.contact-center.example.com:443"))
        .collect();
    let mut turn = 0;
    bencher.bench_local(|| {
        // A different host every time, so that caches do not flatter.
        turn = (turn + 4_999) % HOSTS;
        let routes = hosts
            .find(black_box(&names[turn]), 443)
            .expect("every host is in the map");
        judge(routes, black_box(path))
            .map(|judged| judged.rest.len())
            .is_ok()
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
    let routes = routes();
    let path =
        "/us/icserver1/icws/1".to_owned() + &"/%2525%253b;\\./%2f%EF%BC%8F//%253f".repeat(200);
    bencher.bench_local(|| judge(&routes, black_box(&path)).is_ok());
}
