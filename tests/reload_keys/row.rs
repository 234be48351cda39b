//! One key: a file, the two values that the key has in it, how to look, and what is seen under each of them.

use std::pin::Pin;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::bystanders::Bystanders;
use super::ground::Ground;

type Seeing = Pin<Box<dyn Future<Output = String> + Send>>;
type Look = Box<dyn Fn(Arc<Ground>, &'static str) -> Seeing + Send + Sync>;

/// Rows that run side by side.
const AT_ONCE: usize = 6;

pub struct Row {
    /// As `check --show` and the reference write them: `servers.NAME.url`, `listeners[].listen`.
    pub keys: Vec<String>,
    /// `@` stands for the value, `<web>` and the like for addresses (see [`Ground`]).
    text: &'static str,
    values: [&'static str; 2],
    sees: [&'static str; 2],
    /// Whether the first value, put back, shows what it showed at first. Not so where something was used up meanwhile.
    and_back: bool,
    look: Look,
}

/// A row whose key has `values`, under which `look` sees `sees`. It is told what it should see, so that it can wait for it.
pub fn row<F: Future<Output = String> + Send + 'static>(
    key: impl Into<String>,
    text: &'static str,
    values: [&'static str; 2],
    sees: [&'static str; 2],
    look: impl Fn(Arc<Ground>, &'static str) -> F + Send + Sync + 'static,
) -> Row {
    Row {
        keys: vec![key.into()],
        text,
        values,
        sees,
        and_back: true,
        look: Box::new(move |ground, expected| Box::pin(look(ground, expected))),
    }
}

impl Row {
    /// Another key that changes in the same step.
    pub fn with(mut self, key: impl Into<String>) -> Row {
        self.keys.push(key.into());
        self
    }

    /// What is counted stays counted, so the way back shows something else.
    pub fn counted(mut self) -> Row {
        self.and_back = false;
        self
    }

    async fn run(self) {
        let name = format!("{:?} {:?}", self.keys, self.values);
        let ground = Ground::start().await;
        let [first, second] = self
            .values
            .map(|value| ground.file(&self.text.replace('@', value)));
        let ground = ground.open(&first).await;
        let mut others = Bystanders::open(&ground).await;
        let look = |seen: &'static str| (self.look)(ground.clone(), seen);
        assert_eq!(look(self.sees[0]).await, self.sees[0], "{name}: before");
        others.are_well(&name).await;
        ground.reload(&second).await;
        others.are_well(&name).await;
        assert_eq!(look(self.sees[1]).await, self.sees[1], "{name}: after");
        others.are_well(&name).await;
        if self.and_back {
            ground.reload(&first).await;
            assert_eq!(look(self.sees[0]).await, self.sees[0], "{name}: and back");
            others.are_well(&name).await;
        }
    }
}

/// Runs all of them and reports all that fail.
pub async fn run(rows: Vec<Row>) {
    let mut failed = Vec::new();
    let mut running = JoinSet::new();
    for row in rows {
        if running.len() == AT_ONCE
            && let Some(Err(error)) = running.join_next().await
        {
            failed.push(why(error));
        }
        running.spawn(row.run());
    }
    while let Some(ended) = running.join_next().await {
        if let Err(error) = ended {
            failed.push(why(error));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn why(error: tokio::task::JoinError) -> String {
    let panic = error.into_panic();
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(_) => "a row failed, see above".to_owned(),
    }
}
