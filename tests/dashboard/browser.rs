//! What an operator sees and does, in Chromium.

use rustix::process::Signal;
use serde_json::{Value, json};
use thirtyfour::Key;

use super::stage::{MARKUP, Stage};
use super::webdriver::Page;

const NAMES: &str =
    "return [...document.querySelectorAll('#users-table tbody th')].map(cell => cell.textContent)";
const FOCUSED: &str = "return document.activeElement.ariaLabel ?? document.activeElement.id";
const SAID: &str = "return document.getElementById('announcer').textContent";
const STATE: &str = "return document.getElementById('state').textContent";

/// The dashboard of this gateway, with numbers that come in; `None` where there is no browser.
async fn live(stage: &Stage) -> Option<Page> {
    let page = Page::open(format!("http://{}/", stage.admin)).await?;
    page.until(STATE, "live").await;
    Some(page)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_grows_with_a_sign_in_and_shrinks_with_a_sign_out() {
    let stage = Stage::start().await;
    let Some(page) = live(&stage).await else {
        return;
    };
    page.until(NAMES, json!([])).await;
    let mut one = stage.signed_in("agent1", "secret1").await;
    page.until(NAMES, json!(["agent1"])).await;
    let tile = "return document.querySelector('.tile dd').textContent";
    page.until(tile, "1").await;
    let mut two = stage.signed_in("agent2", "secret2").await;
    page.until(NAMES, json!(["agent1", "agent2"])).await;

    let sort = "document.querySelector('#users-table thead button').click(); \
         return document.querySelector('#users-table th[aria-sort]').ariaSort";
    assert_eq!(page.get::<String>(sort).await, "ascending");
    assert_eq!(page.get::<String>(sort).await, "descending");
    page.until(NAMES, json!(["agent2", "agent1"])).await;

    page.get::<Value>("document.getElementById('find').focus()")
        .await;
    page.press("AGENT2").await;
    page.until(NAMES, json!(["agent2"])).await;
    page.until(SAID, "1 user shown").await;
    two.logout().await.unwrap();
    page.until(NAMES, json!([])).await;
    for _ in 0.."AGENT2".len() {
        page.press(Key::Backspace).await;
    }
    page.until(NAMES, json!(["agent1"])).await;
    one.logout().await.unwrap();
    page.until(NAMES, json!([])).await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_markup_is_shown_as_the_text_it_is() {
    let stage = Stage::start().await;
    let Some(page) = live(&stage).await else {
        return;
    };
    let _there = stage.signed_in(MARKUP, "x").await;
    page.until(NAMES, json!([MARKUP])).await;
    let images = "return document.querySelectorAll('main img').length";
    assert_eq!(page.get::<u64>(images).await, 0);
    assert_eq!(
        page.get::<String>("return document.title").await,
        "Portcullis"
    );
    page.was_quiet().await;
    // And should somebody forget it one day, the browser refuses.
    let refused = "try { document.createElement('p').innerHTML = '<b>x</b>'; return 'made' } catch (e) { return e.name }";
    assert_eq!(page.get::<String>(refused).await, "TypeError");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_is_lifted_by_the_keyboard_alone_after_a_second_question() {
    let stage = Stage::start().await;
    for address in ["192.0.2.7", "192.0.2.9"] {
        stage.ban(address);
    }
    let Some(page) = live(&stage).await else {
        return;
    };
    let lift = "Lift the ban of 192.0.2.7";
    let mut reached = false;
    for _ in 0..100 {
        page.press(Key::Tab).await;
        reached = page.get::<String>(FOCUSED).await == lift;
        if reached {
            break;
        }
    }
    assert!(reached, "the button is in the order of the keyboard");
    page.press(Key::Enter).await;
    page.until(FOCUSED, format!("Yes, {}", lift.replace('L', "l")))
        .await;
    page.press(Key::Escape).await;
    page.until(FOCUSED, lift).await;
    assert_eq!(stage.banned(), ["192.0.2.7", "192.0.2.9"]);
    page.press(Key::Enter).await;
    page.until(FOCUSED, format!("Yes, {}", lift.replace('L', "l")))
        .await;
    page.press(Key::Enter).await;
    page.until(SAID, "The ban of 192.0.2.7 is lifted.").await;
    assert_eq!(stage.banned(), ["192.0.2.9"]);
    let rows = "return [...document.querySelectorAll('#bans-table tbody th')].map(cell => cell.textContent)";
    page.until(rows, json!(["192.0.2.9"])).await;
    // The focus went to the heading, and not to the top of the page.
    page.until(FOCUSED, "bans").await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_fits_a_telephone_and_follows_the_colours_of_the_system() {
    let stage = Stage::start().await;
    stage.ban("2001:db8:1234:5678::/64");
    let Some(page) = live(&stage).await else {
        return;
    };
    let _there = stage.signed_in("agent1", "secret1").await;
    page.until(NAMES, json!(["agent1"])).await;
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        page.emulate("Emulation.setEmulatedMedia", features).await;
        for width in [390, 1280] {
            page.width(width).await;
            page.until("return innerWidth", width).await;
            let fits = "return document.documentElement.scrollWidth <= innerWidth";
            page.until(fits, true).await;
        }
        let ground = "return getComputedStyle(document.body).backgroundColor";
        grounds.push(page.get::<String>(ground).await);
    }
    assert_ne!(grounds[0], grounds[1]);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_is_refused_is_shown_with_its_report() {
    let stage = Stage::start().await;
    let Some(page) = live(&stage).await else {
        return;
    };
    let bad = stage.yaml.replace("kind: icws", "kind: icvs");
    stage.world.write("p.yaml", &bad);
    stage.gateway.signal(Signal::HUP);
    let report = "return document.getElementById('reload-report').textContent";
    page.until_it_is(report, |found| {
        let text = found.as_str().unwrap();
        text.contains("p.yaml:5:") && text.contains("icvs") && text.contains('^')
    })
    .await;
    let outcome = "return document.getElementById('reload-outcome').textContent";
    page.until(outcome, "refused, the old configuration stays")
        .await;
    page.until_it_is(SAID, |said| {
        said.as_str()
            .unwrap()
            .contains("refused, the old configuration stays, 1 mistake")
    })
    .await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_numbers_are_not_shown_as_fresh() {
    let stage = Stage::start().await;
    let Some(page) = live(&stage).await else {
        return;
    };
    stage.gateway.signal(Signal::STOP);
    page.until(STATE, "not live").await;
    let notice = "const notice = document.getElementById('notice'); return notice.hidden ? '' : notice.textContent";
    page.until_it_is(notice, |text| {
        text.as_str().unwrap().contains("What is below is of ")
    })
    .await;
    stage.gateway.signal(Signal::CONT);
    page.until(STATE, "live").await;
    page.until(notice, "").await;
    page.until(SAID, "Live again.").await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_to_be_empty_before_the_first_numbers_are_there() {
    const TOLD: &str =
        "return [...document.querySelectorAll('.empty')].filter(line => !line.hidden).length";
    let stage = Stage::start().await;
    let Some(page) = live(&stage).await else {
        return;
    };
    // Nobody is banned or connected here.
    assert!(page.get::<u32>(TOLD).await > 1);
    page.emulate("Network.enable", json!({})).await;
    let numbers = json!({ "urls": ["*/api/live*"] });
    page.emulate("Network.setBlockedURLs", numbers).await;
    page.go("").await;
    page.until_it_is(STATE, |state| *state != "live").await;
    assert_eq!(page.get::<u32>(TOLD).await, 0);
}
