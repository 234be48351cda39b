//! Web Tools pages in a chat: they poll by their own clock, and hear everything that the agent says.
//!
//! ```ignore
//! tasks.spawn(chats::page(task));
//! ```

use std::time::Duration;

use super::PATIENCE;
use super::diary::Diary;
use super::task::Task;
use crate::webtools::client::{Outcome, Page, PageOptions, Timings, Trust, View};

/// Between two words of the agent.
const PAUSE: Duration = Duration::from_millis(500);

/// One chat for the whole time.
pub(super) async fn page(mut task: Task) {
    let mut options = PageOptions::new(&task.origin(), &["/I3Root/Server1"]);
    options.connect_to = Some(task.door.address(task.tls));
    options.trust = Trust::Authorities(task.door.authority().to_owned());
    options.timings = Timings {
        abort: PATIENCE,
        ..Timings::default()
    };
    let page = match Page::new(options) {
        Ok(page) => page,
        Err(error) => return task.diary.failed(&task.name, 0, &error),
    };
    if let Err(error) = page.start_chat(&task.name, "Marketing").await {
        return task.diary.failed(&task.name, 0, &format!("{error:?}"));
    }
    let chat = page.view().chat_id;
    let mut said = Vec::new();
    loop {
        let over = task.is_over();
        said.push(format!("word {}", said.len()));
        if !task.behind.chat.agent_says(&chat, &said[said.len() - 1]) {
            task.diary.dropped(&task.name, 0, &"the chat is over");
            break;
        }
        let seen = |view: &View| heard(&view.heard) == said.len();
        if let Err(error) = page.wait_for("the agent's word", PATIENCE, seen).await {
            task.diary.dropped(&task.name, 0, &error);
            break;
        }
        task.count(|diary| &diary.events);
        task.stands();
        if over {
            if let Err(error) = page.exit().await {
                task.diary.failed(&task.name, 0, &format!("{error:?}"));
            }
            break;
        }
        task.rest(PAUSE).await;
    }
    judge(&task, &page, &said);
}

fn heard(all: &[String]) -> usize {
    all.iter().filter(|text| text.starts_with("word ")).count()
}

/// Every request the page made, repeats and all, and every word once. Slow polls overlap, so the order is theirs.
fn judge(task: &Task, page: &Page, said: &[String]) {
    let view = page.view();
    for sent in &view.sent {
        match &sent.outcome {
            Outcome::Success(_) => Diary::count(&task.diary.requests),
            other => {
                let what = format!("{:?} after {:?}: {other:?}", sent.request, sent.took);
                task.diary.failed(&task.name, 0, &what);
            }
        }
    }
    let missing = said.iter().filter(|word| {
        let times = view.heard.iter().filter(|heard| heard == word).count();
        times != 1
    });
    let missing: Vec<_> = missing.collect();
    if !missing.is_empty() {
        let what = format!("of {} words not heard once: {missing:?}", said.len());
        task.diary.dropped(&task.name, 0, &what);
    }
}
