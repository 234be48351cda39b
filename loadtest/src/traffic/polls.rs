//! ICWS sessions that poll: what is put into a session comes with the next poll, once and in order.
//!
//! ```ignore
//! tasks.spawn(polls::icws(task));
//! ```

use std::time::Duration;

use serde_json::json;

use super::PATIENCE;
use super::task::Task;
use crate::icws::{IcwsClient, Protocol};

/// Between two polls; each waits a while at the server.
const PAUSE: Duration = Duration::from_millis(350);
/// One of the simulated server's users.
pub(super) const PASSWORD: (&str, &str) = ("agent1", "secret1");

/// A session for the whole time. Over TLS it speaks HTTP/2.
pub(super) async fn icws(mut task: Task) {
    let protocol = if task.tls {
        Protocol::Http2
    } else {
        Protocol::Http1
    };
    let mut client = IcwsClient::new(task.icws(protocol));
    if let Err(error) = client.login("ic", PASSWORD.0, PASSWORD.1).await {
        return task.diary.failed(&task.name, 1, &error);
    }
    let session = client.session_id().unwrap_or_default().to_owned();
    for number in 0_u64.. {
        let over = task.is_over();
        let message = json!({ "number": number });
        if task.behind.ic.push(&session, message.clone()).is_none() {
            return task.diary.failed(&task.name, 1, &"the session is over");
        }
        let what = match tokio::time::timeout(PATIENCE, client.poll()).await {
            Ok(Ok(messages)) if messages == [message] => None,
            Ok(Ok(messages)) => Some(format!("{number} was expected, {messages:?} came")),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {PATIENCE:?}")),
        };
        match what {
            Some(what) => task.diary.failed(&task.name, 1, &what),
            None => {
                task.count(|diary| &diary.requests);
                task.count(|diary| &diary.events);
            }
        }
        task.stands();
        if over {
            break;
        }
        task.rest(PAUSE).await;
    }
    match client.logout().await {
        Ok(()) => task.count(|diary| &diary.requests),
        Err(error) => task.diary.failed(&task.name, 1, &error),
    }
}
