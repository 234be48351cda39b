//! The site as a whole, on real directories.

mod answers;
mod conditional;
mod reach;
mod variants;

use super::*;
use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, LOCATION, RANGE, VARY,
};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

const SECRET: &str = "the secret that lies outside";
const HIDDEN: &str = "the secret that lies hidden inside";

/// 06 Nov 1994 08:49:37 GMT.
const AT: u64 = 784_111_777;

struct Web {
    dir: TempDir,
    site: Site,
}

impl Web {
    fn with(rules: SiteRules) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("root")).unwrap();
        let site = Site::open(dir.path().join("root"), rules).unwrap();
        Web { dir, site }
    }

    fn new() -> Self {
        Web::with(SiteRules::default())
    }

    fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("root")
    }

    /// Writes a file beneath the root, last changed at [`AT`].
    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        set_time(&path, AT);
        self
    }

    async fn get(&self, path: &str, headers: &[(HeaderName, &str)]) -> (Answer, Vec<u8>) {
        self.ask(Method::GET, path, headers).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
    ) -> (Answer, Vec<u8>) {
        let headers = headers
            .iter()
            .map(|(n, v)| (n.clone(), HeaderValue::from_str(v).unwrap()))
            .collect();
        let mut answer = self.site.answer(&method, path, &headers).await;
        let mut content = Vec::new();
        while let Some(chunk) = answer.body.next_chunk().await.unwrap() {
            assert!(chunk.len() <= 64 * 1024 && !chunk.is_empty());
            content.extend_from_slice(&chunk);
        }
        (answer, content)
    }
}

fn set_time(path: &Path, seconds: u64) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .unwrap();
}

fn header(answer: &Answer, name: HeaderName) -> &str {
    answer
        .headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}
