//! The `hosts` section: public names and paths, and the server behind each. What is not here is refused.

use super::At;
use super::limits::RouteLimits;
use super::section::section;
use super::servers::Timeouts;
use super::value::{
    ByteSize, FilePath, FilePattern, Lifetime, Method, PathPattern, PathPrefix, RelativePath,
    ServerName, UrlTemplate,
};

mod check;

section! {
    /// One public name.
    pub struct Host {
        /// Everything goes to this server.
        server: Option<At<ServerName>> = optional,
        /// Everything is a file below this folder.
        files: Option<At<FilePath>> = optional,
        /// Paths and what is behind each. The longest matching path wins; their order does not matter.
        routes: Option<At<Vec<Route>>> = optional,
    }
    exactly_one_of ["server", "files", "routes"];
    parts HostParts check::host;
}

impl Host {
    /// Every server that it names.
    pub fn servers(&self) -> impl Iterator<Item = &At<ServerName>> {
        let of_routes = self.all_routes().flat_map(|route| {
            let shown = route.servers_json.as_ref().map(|list| &list.servers);
            let lists = [route.servers.as_deref(), shown].into_iter().flatten();
            route
                .server
                .iter()
                .chain(lists.flat_map(|list| list.iter()))
        });
        self.server.iter().chain(of_routes)
    }

    /// Every folder whose files it serves.
    pub fn folders(&self) -> impl Iterator<Item = &At<FilePath>> {
        let of_routes = self.all_routes().filter_map(|route| route.files.as_deref());
        self.files.iter().chain(of_routes)
    }

    /// Its routes, if it has a list of them.
    pub fn all_routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().flat_map(|routes| routes.iter())
    }
}

section! {
    // PERF: what most routes do not have is in boxes: there are a hundred thousand routes in a large file, twice while it is reloaded.
    /// One path of a host, and what is behind it.
    pub struct Route {
        /// `/x/` for everything below it, `/x` for itself alone. One whole part may be `{server}`, which takes its value from `servers`; a leading `/**/` stands for any prefix.
        path: At<PathPattern> = required,
        /// The server.
        server: Option<At<ServerName>> = optional,
        /// The servers that `{server}` in the path may name. In a path without it: up to four of kind `http` that stand in for one another; a request goes to the first that is not down.
        servers: Option<Box<At<Vec<At<ServerName>>>>> = optional,
        /// Folder whose files are served. The path must end with `/`.
        files: Option<Box<At<FilePath>>> = optional,
        /// Methods that are let through; every other one is answered 405. GET brings HEAD with it, and fields such as `X-HTTP-Method-Override` do not pass. Without it: GET, HEAD, POST, PUT, DELETE, PATCH and OPTIONS; nothing else ever passes.
        methods: Option<Box<At<Vec<At<Method>>>>> = optional,
        /// Largest request body, instead of `limits.request_body.size`.
        request_body: Option<Box<At<ByteSize>>> = optional,
        /// Paths on the server that may be reached on this route, instead of those of the server.
        expose: Option<Box<At<Vec<At<PathPrefix>>>>> = optional,
        /// How long the server may take on this route, instead of what the server says. Key by key.
        timeouts: Option<Box<At<Timeouts>>> = optional,
        /// What one client address may use of this route, on top of `limits`.
        limits: Option<Box<At<RouteLimits>>> = optional,
        /// How long browsers may keep which files; the first rule that matches counts. Only with `files`. Where none matches: the vendor's rules for CIC web applications (`lib/` and `nls/` 365d, `index.html` 15m, `addins/`, `config/` and `appSettings.json` never), and for everything else browsers ask every time.
        cache: Option<Box<At<Vec<CacheRule>>>> = optional,
        /// Generates the list of servers that the CIC web applications read. Only with `files`.
        servers_json: Option<Box<At<ServersJson>>> = optional,
    }
    exactly_one_of ["server", "servers", "files"];
    parts RouteParts check::route;
}

section! {
    /// How long browsers may keep some of the files.
    pub struct CacheRule {
        /// A folder `lib/`, a file `index.html` or an ending `*.css` at any depth; with a slash inside, as in `client/lib/` or `client/index.html`, counted from the folder of the route.
        pattern as "match": At<FilePattern> = required,
        /// How long they may be kept; `never` makes browsers keep nothing (`no-store`).
        lifetime as "for": At<Lifetime> = required,
    }
}

section! {
    /// The list of servers that the CIC web applications read before they sign in.
    pub struct ServersJson {
        /// Where it is, below the path of the route.
        at: At<RelativePath> = default RelativePath::servers_json(),
        /// Servers in the list, with their `display_name`.
        servers: At<Vec<At<ServerName>>> = required,
        /// URL under which a client reaches a server: `{host}` is replaced by its name.
        template: At<UrlTemplate> = required,
    }
    parts ServersJsonParts check::servers_json;
}
