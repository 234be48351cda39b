//! A real browser, driven by WebDriver. Needs Debian's `chromium` and `chromium-driver`, and says so where a test skips itself.

mod arguments;
mod chromium;
mod http;
mod page;

pub use http::agent;
pub use page::Page;
