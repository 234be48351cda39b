//! The page in the browser: what stands in it, what is typed into it, and what the browser had to say.

use std::io::Write;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thirtyfour::{By, TypingData, WebElement};
use tokio::time::{Instant, sleep};

use super::chromium::{Chromium, find};

/// A deadline that only a failure reaches.
const SOON: Duration = Duration::from_secs(30);

pub struct Page {
    chromium: Chromium,
    origin: String,
}

impl Page {
    /// The browser at this origin, with a slash at its end; `None` where there is no browser, which is said.
    pub async fn open(origin: String) -> Option<Page> {
        let (Some(chromedriver), Some(chromium)) = (find("chromedriver"), find("chromium")) else {
            // Written past the test runner's capture, so that a plain `cargo test` shows the reason too.
            let mut told = std::io::stderr();
            writeln!(
                told,
                "SKIPPED a test in a browser: no `chromium` and `chromedriver` on the PATH \
                 (Debian: apt-get install chromium chromium-driver)"
            )
            .unwrap();
            return None;
        };
        let page = Page {
            chromium: Chromium::start(&chromedriver, &chromium).await,
            origin,
        };
        page.go("").await;
        Some(page)
    }

    /// Goes to a path below the origin, without its slash.
    pub async fn go(&self, path: &str) {
        let to = format!("{}{path}", self.origin);
        self.chromium.driver.goto(to).await.unwrap();
    }

    pub async fn click(&self, css: &str) {
        self.element(css).await.click().await.unwrap();
    }

    pub async fn enter(&self, css: &str, text: &str) {
        self.element(css).await.send_keys(text).await.unwrap();
    }

    async fn element(&self, css: &str) -> WebElement {
        let found = self.chromium.driver.find(By::Css(css)).await;
        found.unwrap_or_else(|error| panic!("no {css}: {error}"))
    }

    pub async fn get<T: DeserializeOwned>(&self, script: &str) -> T {
        let found = self.chromium.driver.execute(script, Vec::new()).await;
        found.unwrap().convert().unwrap()
    }

    /// Waits until a script returns this.
    pub async fn until(&self, script: &str, wanted: impl Into<Value>) {
        let wanted = wanted.into();
        self.until_it_is(script, |found| *found == wanted).await;
    }

    /// Waits until what a script returns is right, and returns it.
    pub async fn until_it_is(&self, script: &str, right: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            let found: Value = self.get(script).await;
            if right(&found) {
                return found;
            }
            assert!(Instant::now() < deadline, "{script} stays {found}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Presses keys, whatever has the focus.
    pub async fn press(&self, keys: impl Into<TypingData>) {
        let actions = self.chromium.driver.action_chain();
        actions.send_keys(keys).perform().await.unwrap();
    }

    pub async fn emulate(&self, command: &str, parameters: Value) {
        let cdp = self.chromium.driver.cdp();
        cdp.send_raw(command, parameters).await.unwrap();
    }

    pub async fn width(&self, width: u32) {
        let metrics =
            json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.emulate("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// Nothing was written to the console, a refusal by the policy least of all, and nobody else was asked.
    pub async fn was_quiet(&self) {
        let driver = &self.chromium.driver;
        let console = driver.get_log("browser").await.unwrap();
        assert!(console.is_empty(), "{console:#?}");
        let mut asked = 0;
        for entry in driver.get_log("performance").await.unwrap() {
            let event: Value = serde_json::from_str(&entry.message).unwrap();
            let event = &event["message"];
            if event["method"] != "Network.requestWillBeSent" {
                continue;
            }
            let url = event["params"]["request"]["url"].as_str().unwrap();
            // The browser's own first page is within itself.
            if url.starts_with("chrome:") || url.starts_with("data:") {
                continue;
            }
            assert!(url.starts_with(&self.origin), "the page asked for {url}");
            asked += 1;
        }
        assert!(asked > 10, "only {asked} requests were seen");
    }

    /// Ends the browser, which must have been quiet.
    pub async fn close(self) {
        self.was_quiet().await;
        self.chromium.driver.clone().quit().await.unwrap();
    }
}
