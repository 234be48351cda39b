//! The sign-in in a real browser, which has rules of its own for forms, cookies and origins.

use serde_json::json;

use super::stage::*;
use super::webdriver::Page;

async fn says(page: &Page, text: &str) {
    let script = format!("return document.body.innerText.includes({})", json!(text));
    page.until(&script, true).await;
}

async fn sign_in(page: &Page, token: &str) {
    page.enter("#token", token).await;
    page.click("button").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_in_sees_what_it_asks_for_and_signs_out() {
    const PATH: &str = "return location.pathname";
    for (admin, scheme) in [(WITH_TLS, "https"), (WITH_TOKEN, "http")] {
        let stage = Stage::with(admin).await;
        let origin = format!("{scheme}://{}/", stage.edge.admin());
        let Some(page) = Page::open(origin).await else {
            return;
        };
        page.width(390).await;
        page.until("return document.title", "Sign in - Portcullis")
            .await;
        // The keyboard is where it is needed, and nothing has to be moved sideways.
        page.until("return document.activeElement.id", "token")
            .await;
        let fits = "return [innerWidth, document.documentElement.scrollWidth]";
        page.until(fits, json!([390, 390])).await;
        sign_in(&page, OTHER_TOKEN).await;
        says(&page, "This is not the token.").await;
        sign_in(&page, TOKEN).await;
        page.until(PATH, "/").await;
        // No script reads it.
        page.until("return document.cookie", "").await;
        page.go("metrics").await;
        says(&page, "portcullis_build_info").await;
        // Back on the dashboard, with its button.
        page.go("").await;
        let hidden = "return document.querySelector('#sign-out').hidden";
        page.until(hidden, false).await;
        page.click("#sign-out button").await;
        page.until(PATH, "/sign-in").await;
        page.go("metrics").await;
        says(&page, "Authorization: Bearer TOKEN").await;
    }
}
