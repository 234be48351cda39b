//! Cookies by the browser's rules (RFC 6265), so that a wrong Path shows up as a lost cookie.
//!
//! ```
//! use loadtest::icws::CookieJar;
//! let mut jar = CookieJar::default();
//! jar.store("https", "cc.example.com", "/us/ic1/icws/connection", "icws_7=guid|languageId=en-us; Path=/us/ic1/icws/7; HttpOnly");
//! assert_eq!(jar.for_request("https", "cc.example.com", "/us/ic1/icws/7/messaging/messages").len(), 1);
//! assert_eq!(jar.for_request("https", "cc.example.com", "/us/ic1/icws/70").len(), 0);
//! ```

/// One stored cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// Name.
    pub name: String,
    /// Value, as it came.
    pub value: String,
    /// Host that set it; it goes to no other (no `Domain` is honoured).
    pub host: String,
    /// Path that a request must match.
    pub path: String,
    /// Only for https.
    pub secure: bool,
    /// Hidden from scripts.
    pub http_only: bool,
}

/// The cookies of one browser.
#[derive(Clone, Debug, Default)]
pub struct CookieJar(Vec<Cookie>);

impl CookieJar {
    /// Takes one Set-Cookie value from an answer to this request (RFC 6265, 5.2 and 5.3). `Max-Age` of zero or less deletes;
    /// `Expires` is not read. A `Secure` cookie over plain HTTP is dropped, as browsers do.
    pub fn store(&mut self, scheme: &str, host: &str, request_path: &str, set_cookie: &str) {
        let mut parts = set_cookie.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        let mut cookie = Cookie {
            name,
            value,
            host: host.to_owned(),
            path: default_path(request_path),
            secure: false,
            http_only: false,
        };
        let mut expired = false;
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => cookie.path = value.to_owned(),
                "path" => cookie.path = default_path(request_path),
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "max-age" => expired = value.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
                _ => {}
            }
        }
        if cookie.name.is_empty() || (cookie.secure && scheme != "https") {
            return;
        }
        let same = |old: &Cookie| {
            old.name == cookie.name && old.host == cookie.host && old.path == cookie.path
        };
        let place = self.0.iter().position(same);
        match place.and_then(|place| self.0.get_mut(place)) {
            // A cookie set again keeps its place in the order of creation.
            Some(old) if !expired => *old = cookie,
            _ if expired => self.0.retain(|old| !same(old)),
            _ => self.0.push(cookie),
        }
    }

    /// The `name=value` pairs for a request, longer paths first (RFC 6265, 5.4).
    pub fn for_request(&self, scheme: &str, host: &str, request_path: &str) -> Vec<String> {
        let fits = |cookie: &&Cookie| {
            cookie.host.eq_ignore_ascii_case(host)
                && (scheme == "https" || !cookie.secure)
                && path_matches(request_path, &cookie.path)
        };
        let mut found: Vec<&Cookie> = self.0.iter().filter(fits).collect();
        found.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        found
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect()
    }

    /// Everything stored.
    pub fn all(&self) -> &[Cookie] {
        &self.0
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// RFC 6265, 5.1.4: the directory of the request path.
fn default_path(request_path: &str) -> String {
    match request_path.rfind('/') {
        Some(last) if last > 0 && request_path.starts_with('/') => {
            request_path.get(..last).unwrap_or("/").to_owned()
        }
        _ => "/".to_owned(),
    }
}

/// RFC 6265, 5.1.4: equal, or a prefix that ends at a segment's border.
fn path_matches(request_path: &str, cookie_path: &str) -> bool {
    request_path
        .strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_itself_and_what_lies_below_it() {
        let table = [
            ("/icws/1", "/icws/1", true),
            ("/icws/1/messaging", "/icws/1", true),
            ("/icws/12", "/icws/1", false),
            ("/icws/1", "/icws/1/", false),
            ("/icws/1/x", "/icws/1/", true),
            ("/ICWS/1", "/icws/1", false),
            ("/us/ic1/icws/1", "/icws/1", false),
            ("/anything", "/", true),
        ];
        for (request, cookie, expected) in table {
            assert_eq!(
                path_matches(request, cookie),
                expected,
                "{request} {cookie}"
            );
        }
    }

    #[test]
    fn a_path_that_is_missing_or_not_absolute_is_the_directory_of_the_request() {
        let table = [("/a/b/c", "/a/b"), ("/a", "/"), ("/", "/"), ("", "/")];
        for (request, expected) in table {
            assert_eq!(default_path(request), expected);
        }
        let mut jar = CookieJar::default();
        jar.store("https", "h", "/a/b/c", "x=1; Path=relative");
        assert_eq!(jar.all()[0].path, "/a/b");
    }

    #[test]
    fn attributes_are_read_in_any_order_and_case() {
        let mut jar = CookieJar::default();
        jar.store(
            "https",
            "h",
            "/",
            "icws_1=v; httponly; SECURE; path=/icws/1",
        );
        let cookie = &jar.all()[0];
        assert!(cookie.secure && cookie.http_only);
        assert_eq!(cookie.path, "/icws/1");
        assert_eq!(
            jar.for_request("http", "h", "/icws/1"),
            Vec::<String>::new()
        );
        assert_eq!(
            jar.for_request("https", "other", "/icws/1"),
            Vec::<String>::new()
        );
        assert_eq!(jar.for_request("https", "H", "/icws/1"), ["icws_1=v"]);
    }

    #[test]
    fn a_cookie_is_replaced_deleted_and_ordered_by_path() {
        let mut jar = CookieJar::default();
        jar.store("http", "h", "/", "a=1; Path=/");
        jar.store("http", "h", "/", "b=2; Path=/icws/1");
        jar.store("http", "h", "/", "a=3; Path=/");
        assert_eq!(jar.for_request("http", "h", "/icws/1/x"), ["b=2", "a=3"]);
        jar.store("http", "h", "/", "b=; Path=/icws/1; Max-Age=0");
        assert_eq!(jar.for_request("http", "h", "/icws/1/x"), ["a=3"]);
        jar.store("http", "h", "/", "s=1; Secure");
        assert_eq!(jar.all().len(), 1);
    }
}
