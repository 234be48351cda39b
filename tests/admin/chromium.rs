//! The sign-in in a real browser, which has rules of its own for forms, cookies and origins. Needs Debian's `chromium` and
//! `chromium-driver`, and says so where it skips itself.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use loadtest::rude::client::Dial;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use super::stage::*;

/// A browser behind its driver. Dropping it ends both.
struct Browser {
    driver: Child,
    at: SocketAddr,
    session: String,
}

impl Browser {
    /// Chromedriver with the port that it says. `None` where there is none, or if it ends without.
    fn driver() -> Option<Browser> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .ok()?;
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        Some(Browser {
            driver,
            at: ([127, 0, 0, 1], port?).into(),
            session: String::new(),
        })
    }

    /// `None` where there is none.
    async fn start() -> Option<Browser> {
        // It ends when the port that it was given on IPv4 is somebody else's on IPv6.
        let mut browser = (0..5).find_map(|_| Browser::driver())?;
        let options = json!({ "args": ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-proxy-server"], "mobileEmulation": { "deviceMetrics": { "width": 390, "height": 700, "pixelRatio": 1.0 } } });
        let wanted = json!({ "acceptInsecureCerts": true, "goog:chromeOptions": options });
        let begun = browser.call(
            "POST /session",
            json!({ "capabilities": { "alwaysMatch": wanted } }),
        );
        browser.session = begun.await["sessionId"].as_str()?.to_owned();
        Some(browser)
    }

    /// The driver leaves the connection open behind its answer.
    async fn call(&self, line: &str, what: Value) -> Value {
        let json = "Content-Type: application/json\r\n";
        let mut driver = Dial::plain(self.at).open().await.unwrap();
        let asked = request(line, json, &what.to_string());
        driver.write(asked.as_bytes()).await.unwrap();
        let head = driver.read_until(b"\r\n\r\n", SOON).await.unwrap();
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length = length.unwrap().trim().parse().unwrap();
        let body = driver.read_exactly(length, SOON).await.unwrap();
        let answer: Value = serde_json::from_slice(&body).unwrap();
        answer["value"].clone()
    }

    async fn tell(&self, what: &str, with: Value) -> Value {
        let line = format!("POST /session/{}/{what}", self.session);
        self.call(&line, with).await
    }

    async fn element(&self, css: &str) -> String {
        let by = json!({ "using": "css selector", "value": css });
        let found = self.tell("element", by).await;
        let id = found
            .as_object()
            .and_then(|ids| ids.values().next()?.as_str());
        format!(
            "element/{}",
            id.unwrap_or_else(|| panic!("no {css}: {found}"))
        )
    }

    async fn go(&self, to: &str) {
        self.tell("url", json!({ "url": to })).await;
    }

    /// Fills the form in and sends it; the driver waits until the next page is there.
    async fn sign_in(&self, token: &str) {
        let field = self.element("#token").await;
        self.tell(&format!("{field}/value"), json!({ "text": token }))
            .await;
        let button = self.element("button").await;
        self.tell(&format!("{button}/click"), json!({})).await;
    }

    /// What a script on the page finds.
    async fn finds(&self, script: &str) -> Value {
        let what = json!({ "script": format!("return {script}"), "args": [] });
        self.tell("execute/sync", what).await
    }

    /// Asked again until it is so: what a click begins goes on behind the driver's answer.
    async fn comes_to(&self, script: &str, expected: &Value) {
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            let found = self.finds(script).await;
            if found == *expected {
                return;
            }
            let page = self.finds("document.body.innerText").await;
            let late = tokio::time::Instant::now() > deadline;
            assert!(!late, "{script}: {found} instead of {expected}, on {page}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    async fn says(&self, text: &str) {
        let script = format!("document.body.innerText.includes({})", json!(text));
        self.comes_to(&script, &json!(true)).await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser is in the group too, whose id stays taken until its leader is waited for.
        if let Some(group) = Pid::from_raw(self.driver.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.driver.wait();
    }
}

#[tokio::test]
async fn a_browser_signs_in_sees_what_it_asks_for_and_signs_out() {
    let Some(browser) = Browser::start().await else {
        writeln!(
            std::io::stderr(),
            "SKIPPED: no chromedriver and chromium (Debian: apt-get install chromium-driver)"
        )
        .unwrap();
        return;
    };
    for (admin, scheme) in [(WITH_TLS, "https"), (WITH_TOKEN, "http")] {
        let stage = Stage::with(admin).await;
        let base = format!("{scheme}://{}", stage.edge.admin());
        browser.go(&format!("{base}/")).await;
        let title = json!("Sign in - Portcullis");
        browser.comes_to("document.title", &title).await;
        // The keyboard is where it is needed, and nothing has to be moved sideways.
        let token = json!("token");
        browser.comes_to("document.activeElement.id", &token).await;
        let fits = "[innerWidth, document.documentElement.scrollWidth]";
        browser.comes_to(fits, &json!([390, 390])).await;
        browser.sign_in(OTHER_TOKEN).await;
        browser.says("This is not the token.").await;
        browser.sign_in(TOKEN).await;
        browser.comes_to("location.pathname", &json!("/")).await;
        // No script reads it.
        browser.comes_to("document.cookie", &json!("")).await;
        browser.go(&format!("{base}/metrics")).await;
        browser.says("portcullis_build_info").await;
        // Back on the dashboard, with its button.
        browser.go(&format!("{base}/")).await;
        let hidden = "document.querySelector('#sign-out').hidden";
        browser.comes_to(hidden, &json!(false)).await;
        let button = browser.element("#sign-out button").await;
        browser.tell(&format!("{button}/click"), json!({})).await;
        browser
            .comes_to("location.pathname", &json!("/sign-in"))
            .await;
        browser.go(&format!("{base}/metrics")).await;
        browser.says("Authorization: Bearer TOKEN").await;
    }
}
