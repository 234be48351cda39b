//! How the WebDriver client speaks to chromedriver: by the HTTP client that is there anyway, without any proxy.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use thirtyfour::error::{WebDriverError, WebDriverResult};
use thirtyfour::session::http::{Body, HttpClient};
use tokio::task::spawn_blocking;

pub struct Http;

#[async_trait::async_trait]
impl HttpClient for Http {
    async fn send(&self, request: Request<Body<'_>>) -> WebDriverResult<Response<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = match body {
            Body::Empty => String::new(),
            Body::Json(value) => value.to_string(),
        };
        let request = Request::from_parts(parts, body);
        let sent = spawn_blocking(move || {
            let mut answer = agent().run(request)?;
            let bytes = answer
                .body_mut()
                .with_config()
                .limit(64 << 20)
                .read_to_vec()?;
            let (parts, _) = answer.into_parts();
            Ok(Response::from_parts(parts, Bytes::from(bytes)))
        });
        let answer: Result<_, ureq::Error> = sent.await.unwrap();
        answer.map_err(|error| WebDriverError::RequestFailed(error.to_string()))
    }

    async fn new(&self) -> Arc<dyn HttpClient> {
        Arc::new(Http)
    }
}

/// No proxy of the environment stands between a test and loopback.
pub fn agent() -> ureq::Agent {
    let settings = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(60)))
        .http_status_as_error(false)
        .proxy(None);
    settings.build().into()
}
