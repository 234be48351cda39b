//! `explain`: what would happen to a request, by the very code that would decide it, without sending anything.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;

use http::{Method, Uri};

use super::print;
use crate::config;
use crate::diagnostic::Report;
use crate::exchange::Call;
use crate::front_door::framing;
use crate::kinds::icws::ORIGINAL_URL;
use crate::reason::Reason;
use crate::rewrite::{self, CookieRewrite, LocationRewrite, Scheme, Secure};
use crate::routing::decide::{Decision, Goal, Incoming, Refusal, decide, redirect};
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;

pub(super) fn explain(file: &Path, request: &[String], from: Option<IpAddr>) -> ExitCode {
    let (method, url) = match request {
        [url] => ("GET", url),
        [method, url] => (method.as_str(), url),
        _ => return wrong("give a URL, or a method and a URL"),
    };
    let Ok(method) = Method::from_bytes(method.as_bytes()) else {
        return wrong("the method is not a token");
    };
    let uri = match url.parse::<Uri>() {
        Ok(uri)
            if uri.authority().is_some() && matches!(uri.scheme_str(), Some("http" | "https")) =>
        {
            uri
        }
        _ => return wrong("the URL must be absolute: https://host[:port]/path"),
    };
    let (config, source) = match config::load(file) {
        Ok(loaded) => loaded,
        Err(report) => {
            eprint!("{report}");
            return ExitCode::FAILURE;
        }
    };
    let Ok(tokio) = tokio::runtime::Runtime::new() else {
        return wrong("the system gives no threads");
    };
    match tokio.block_on(async { Snapshot::compile(&config, &Runtime::new()) }) {
        Ok(snapshot) => {
            let (text, code) = tell(&snapshot, &method, &uri, from);
            print(&text);
            code
        }
        Err(mistakes) => {
            eprint!("{}", Report::new(source, mistakes));
            ExitCode::FAILURE
        }
    }
}

fn wrong(what: &str) -> ExitCode {
    eprintln!("portcullis explain: {what}");
    ExitCode::from(2)
}

/// The whole explanation, and the exit code: success if a server or a file would be reached.
fn tell(
    snapshot: &Snapshot,
    method: &Method,
    uri: &Uri,
    from: Option<IpAddr>,
) -> (String, ExitCode) {
    let https = uri.scheme_str() == Some("https");
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
    let mut text = format!("{method} {uri}\n");
    let listener = snapshot
        .listeners
        .iter()
        .find(|listener| listener.listen.port() == port);
    let Some(listener) = listener else {
        line(
            &mut text,
            "listener",
            &format!("none on port {port}: the connection is refused"),
        );
        return (text, ExitCode::FAILURE);
    };
    let spoken = if listener.tls.is_some() {
        "https"
    } else {
        "http"
    };
    line(
        &mut text,
        "listener",
        &format!("{} ({spoken})", listener.listen),
    );
    if listener.tls.is_some() != https {
        line(
            &mut text,
            "answer",
            &format!("none: this listener speaks {spoken}, the connection is closed"),
        );
        return (text, ExitCode::FAILURE);
    }
    let incoming = Incoming {
        host: authority,
        port,
        sni: None,
        method,
        path: uri.path(),
        query: uri.query(),
    };
    if !framing::is_allowed_method(method.as_str().as_bytes()) {
        return refused(text, &Reason::MethodNotAllowed.into());
    }
    if let Some(port) = listener.redirect_port {
        return match redirect(snapshot, &incoming, port) {
            Ok(location) => {
                line(&mut text, "answer", &format!("308 to {location}"));
                (text, ExitCode::SUCCESS)
            }
            Err(refusal) => refused(text, &refusal),
        };
    }
    match decide(snapshot, &incoming) {
        // The folder itself would answer so; a person who asks wants to hear it as a refusal.
        Ok(decision) if is_beyond_files(&decision.goal, method) => {
            line(&mut text, "route", &decision.route.name);
            refused(text, &Reason::MethodNotAllowed.into())
        }
        Ok(decision) => {
            let request = Request {
                method,
                uri,
                https,
                authority,
                from,
            };
            describe(&mut text, snapshot, &request, decision);
            (text, ExitCode::SUCCESS)
        }
        Err(refusal) => refused(text, &refusal),
    }
}

/// Files can be read and nothing else.
fn is_beyond_files(goal: &Goal, method: &Method) -> bool {
    matches!(goal, Goal::Files { .. }) && !matches!(*method, Method::GET | Method::HEAD)
}

fn refused(mut text: String, refusal: &Refusal) -> (String, ExitCode) {
    let status = refusal
        .reason
        .status()
        .map_or_else(|| "closed".to_owned(), |status| status.to_string());
    line(
        &mut text,
        "refused",
        &format!(
            "{status} {}: {}",
            refusal.reason.code(),
            refusal.reason.message()
        ),
    );
    if let Some(detail) = &refusal.detail {
        line(&mut text, "because", detail);
    }
    (text, ExitCode::FAILURE)
}

struct Request<'a> {
    method: &'a Method,
    uri: &'a Uri,
    https: bool,
    authority: &'a str,
    from: Option<IpAddr>,
}

fn describe(text: &mut String, snapshot: &Snapshot, request: &Request<'_>, decision: Decision) {
    line(text, "route", &decision.route.name);
    let route = decision.route;
    match decision.goal {
        Goal::Files { path, .. } => line(text, "file", &path),
        Goal::Server {
            upstream,
            timeouts,
            path,
        } => {
            let scheme = if request.https {
                Scheme::Https
            } else {
                Scheme::Http
            };
            let call = Call {
                route: route.clone(),
                upstream,
                timeouts,
                method: request.method.clone(),
                scheme,
                authority: request.authority.to_owned(),
                public_target: request
                    .uri
                    .path_and_query()
                    .map_or("/", |target| target.as_str())
                    .to_owned(),
                public_prefix: path.public_prefix,
                inner_prefix: path.inner_prefix,
                inner_target: path.inner,
                peer_trusted: false,
            };
            server(text, snapshot, &call, request.from);
        }
    }
    line(
        text,
        "limits",
        &format!("request body {} bytes", route.body_limit),
    );
}

fn server(text: &mut String, snapshot: &Snapshot, call: &Call, from: Option<IpAddr>) {
    let facts = &call.upstream.facts;
    let verified = match (call.upstream.is_tls(), call.upstream.is_insecure()) {
        (false, _) => "plain HTTP".to_owned(),
        (true, true) => "TLS, certificate NOT verified".to_owned(),
        (true, false) => format!("TLS, certificate verified for {}", call.upstream.tls_name()),
    };
    line(
        text,
        "server",
        &format!(
            "{} (kind {}, {}, {verified})",
            facts.name,
            facts.kind.name(),
            facts.url
        ),
    );
    if let Some(pair) = &facts.pair {
        line(text, "", &format!("one of the pair {pair}"));
    }
    line(
        text,
        "sends",
        &format!("{} {}", call.method, call.inner_target),
    );
    let host = facts.host.to_str().unwrap_or("");
    line(text, "", &format!("Host: {host}"));
    let client = from.map_or_else(
        || "(the client's address)".to_owned(),
        |from| from.to_string(),
    );
    let trusted = from.is_some_and(|from| snapshot.client_address.trusts(from));
    let chain = if trusted {
        format!("(what {client} says), {client}")
    } else {
        client
    };
    line(text, "", &format!("X-Forwarded-For: {chain}"));
    if let Ok(public) = call.public() {
        line(
            text,
            "",
            &format!("X-Forwarded-Proto: {}", public.scheme().as_str()),
        );
        line(
            text,
            "",
            &format!("X-Forwarded-Host: {}", public.authority()),
        );
        line(text, "", &format!("X-Forwarded-Port: {}", public.port()));
        if facts.kind.name() == "icws"
            && let Some(url) = rewrite::original_url(public, &call.public_target)
        {
            line(
                text,
                "",
                &format!("{ORIGINAL_URL}: {}", url.to_str().unwrap_or("")),
            );
        }
        back(text, call, public);
    }
    let waits = &call.timeouts;
    line(
        text,
        "waits",
        &format!(
            "connect {:?}, answer {:?}, event stream or WebSocket {:?}",
            waits.connect, waits.response, waits.stream
        ),
    );
}

/// How an example of each thing that is mapped back would look outside.
fn back(text: &mut String, call: &Call, public: rewrite::PublicOrigin<'_>) {
    let Ok(map) = call.path_map() else { return };
    let facts = &call.upstream.facts;
    let path = if facts.kind.name() == "icws" {
        "/icws/1234"
    } else {
        call.inner_prefix.as_str()
    };
    let add = facts.secure_cookies && call.scheme == Scheme::Https;
    let secure = if add { Secure::Add } else { Secure::Keep };
    let cookies = CookieRewrite {
        map,
        secure,
        strip_domain: &facts.cookie_domains,
    };
    let cookie = format!("name=value; Path={path}");
    let mapped = cookies.rewrite(cookie.as_bytes());
    line(
        text,
        "returns",
        &format!(
            "Set-Cookie: {cookie}  ->  {}",
            String::from_utf8_lossy(&mapped)
        ),
    );
    let locations = LocationRewrite {
        map,
        server: &facts.origins,
        public,
    };
    let mapped = locations.rewrite(path.as_bytes());
    line(
        text,
        "",
        &format!("Location: {path}  ->  {}", String::from_utf8_lossy(&mapped)),
    );
}

fn line(text: &mut String, label: &str, value: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "  {label:<9} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    async fn told(method: Method, url: &str) -> (String, bool) {
        let folder = std::env::temp_dir();
        let yaml = "listeners: [ { listen: 127.0.0.1:8080 } ]\nhosts: { proxy.example.com: { files: . } }\n";
        let config = config::parse(&Source::new("test.yaml", &folder, yaml)).unwrap();
        let snapshot = Snapshot::compile(&config, &Runtime::new()).unwrap();
        let (text, code) = tell(&snapshot, &method, &url.parse().unwrap(), None);
        (text, code == ExitCode::SUCCESS)
    }

    #[tokio::test]
    async fn a_method_that_would_be_answered_405_is_told_as_refused() {
        let url = "http://proxy.example.com:8080/a.css";
        for (method, good) in [
            (Method::GET, true),
            (Method::HEAD, true),
            (Method::POST, false),
            (Method::TRACE, false),
        ] {
            let (text, success) = told(method.clone(), url).await;
            assert_eq!(success, good, "{text}");
            assert_eq!(
                text.contains("405 method_not_allowed"),
                !good,
                "{method}: {text}"
            );
        }
    }
}
