//! The request that is asked about: a method and a URL, as a browser would send them.

use http::Method;

/// A request as it would stand on the wire.
pub(super) struct Asked {
    pub method: Method,
    pub https: bool,
    /// Host and port as they are in the URL.
    pub authority: String,
    /// Path as written, `/` if there is none.
    pub path: String,
    pub query: Option<String>,
}

impl Asked {
    /// Reads `[METHOD] URL`.
    ///
    /// # Errors
    /// A sentence that says what to write. It repeats nothing of the URL, which may hold a password.
    pub(super) fn parse(request: &[String]) -> Result<Self, &'static str> {
        let (method, url) = match request {
            [url] => ("GET", url),
            [method, url] => (method.as_str(), url),
            _ => return Err("give a URL, or a method and a URL"),
        };
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| "the method is not a word such as GET")?;
        let absolute = "the URL must be absolute: https://host[:port]/path";
        let (scheme, rest) = url.split_once("://").ok_or(absolute)?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(absolute),
        };
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                "write spaces and letters outside ASCII percent-encoded, as a browser sends them",
            );
        }
        // A fragment stays in the browser.
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).ok_or(absolute)?;
        if authority.contains('@') {
            return Err("leave the user and the password out of the URL: no route depends on them");
        }
        if authority.is_empty() {
            return Err(absolute);
        }
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        Ok(Asked {
            method,
            https,
            authority: authority.to_owned(),
            path: path.to_owned(),
            query,
        })
    }

    /// Path and query.
    pub(super) fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// The port that the client connects to.
    pub(super) fn port(&self) -> Option<u16> {
        let default = if self.https { 443 } else { 80 };
        let after_host = self
            .authority
            .rsplit_once(':')
            .filter(|_| !self.authority.ends_with(']'));
        match after_host {
            Some((_, port)) => port.parse().ok(),
            None => Some(default),
        }
    }

    /// The host without its port, in lower case; an IPv6 address in its brackets.
    pub(super) fn host(&self) -> String {
        let host = match self.authority.rsplit_once(':') {
            Some((host, _)) if !self.authority.ends_with(']') => host,
            _ => &self.authority,
        };
        host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
    }

    /// What a browser says in the handshake: nothing for an address (RFC 6066 section 3).
    pub(super) fn server_name(&self) -> Option<String> {
        let host = self.host();
        let address = host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok();
        (!address).then_some(host)
    }

    /// The URL, its query without values.
    pub(super) fn url(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        let target = without_values(&self.target());
        format!("{scheme}://{}{target}", self.authority)
    }
}

/// SECURITY: what `explain` prints is pasted into tickets; a query may hold a session's token. Names stay, values go.
pub(super) fn without_values(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.to_owned();
    };
    let fields: Vec<String> = query
        .split('&')
        .map(|field| match field.split_once('=') {
            Some((name, _)) => format!("{name}=***"),
            // A query without names is one value.
            None if field.is_empty() => String::new(),
            None => "***".to_owned(),
        })
        .collect();
    format!("{path}?{}", fields.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: &str) -> Result<Asked, &'static str> {
        Asked::parse(&[url.to_owned()])
    }

    #[test]
    fn a_url_is_taken_apart_and_keeps_its_bytes() {
        let url = asked("HTTPS://Proxy.Example.com:8443/a/%2e%2e\\b;x?q=1#part").unwrap();
        assert!(url.https);
        assert_eq!(
            (url.port(), url.host().as_str()),
            (Some(8443), "proxy.example.com")
        );
        assert_eq!(url.target(), "/a/%2e%2e\\b;x?q=1");
        assert_eq!(asked("http://a").unwrap().target(), "/");
        assert_eq!(asked("http://a?x").unwrap().target(), "/?x");
        assert_eq!(asked("https://[::1]/").unwrap().port(), Some(443));
        assert_eq!(asked("https://[::1]:8443/").unwrap().host(), "[::1]");
        assert_eq!(asked("https://a:99999/").unwrap().port(), None);
        assert_eq!(asked("https://[::1]/").unwrap().server_name(), None);
        assert_eq!(asked("https://192.0.2.1/").unwrap().server_name(), None);
    }

    #[test]
    fn what_is_not_an_absolute_url_is_refused_without_repeating_it() {
        for url in [
            "/x",
            "ftp://a/",
            "a.example",
            "https:///x",
            "https://u:hunter2@a/",
            "https://a/\u{e4}",
            "https://a/ b",
        ] {
            let why = asked(url).err().unwrap();
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn values_of_a_query_are_not_repeated() {
        for (target, shown) in [
            ("/a", "/a"),
            ("/a?", "/a?"),
            ("/a?token", "/a?***"),
            ("/a?b=secret&c&d=", "/a?b=***&***&d=***"),
        ] {
            assert_eq!(without_values(target), shown);
        }
    }
}
