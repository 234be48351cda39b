//! Event streams: of a web server, and of ICWS sessions. Their numbers must come without a gap.
//!
//! ```ignore
//! tasks.spawn(events::web(task));
//! ```

use std::io;
use std::time::Duration;

use serde_json::json;

use super::door::HTTP1;
use super::http1;
use super::polls::PASSWORD;
use super::task::{Task, in_time};
use super::{HOST, PATIENCE};
use crate::icws::{ClientError, EventStream, IcwsClient, Protocol};
use crate::wire::body::BodyReader;
use crate::wire::connection::{Connection, Part};

/// Between two messages to an ICWS session.
const PAUSE: Duration = Duration::from_millis(200);

/// A stream over HTTP/1.1 whose server sends numbers by itself.
pub(super) async fn web(mut task: Task) {
    let (mut line, mut reader) = match in_time("the stream", open(&task)).await {
        Ok(open) => open,
        Err(error) => return task.diary.failed(&task.name, 1, &error),
    };
    task.count(|diary| &diary.connections);
    let mut text = String::new();
    for number in 1_u64.. {
        let over = task.is_over();
        if let Err(error) = in_time("an event", next(&mut line, &mut reader, &mut text)).await {
            return task.diary.dropped(&task.name, 1, &error);
        }
        let expected = format!("id: {number}\ndata: {number}\n\n");
        let Some(rest) = text.strip_prefix(&expected) else {
            let what = format!("event {number} was expected, {text:?} came");
            return task.diary.dropped(&task.name, 1, &what);
        };
        text = rest.to_owned();
        task.count(|diary| &diary.events);
        task.stands();
        if over {
            return;
        }
    }
}

async fn open(task: &Task) -> io::Result<(Connection, BodyReader)> {
    let mut line = Connection::new(task.door.open(task.tls, HTTP1).await?);
    let request =
        format!("GET /web/events HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n");
    line.write(request.as_bytes(), Part::Head).await?;
    let head = http1::head(&mut line).await?;
    match head.status {
        200 => Ok((line, BodyReader::new(head.framing, false))),
        status => Err(io::Error::other(format!("answered {status}"))),
    }
}

/// Reads until there is a whole event in `text`.
async fn next(line: &mut Connection, reader: &mut BodyReader, text: &mut String) -> io::Result<()> {
    while !text.contains("\n\n") {
        let piece = reader.next(line).await?;
        let piece = piece.ok_or_else(|| io::Error::other("the stream ended"))?;
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    Ok(())
}

/// The stream of an ICWS session, which is sent a message now and then.
pub(super) async fn icws(mut task: Task, http2: bool) {
    task.tls |= http2;
    let protocol = if http2 {
        Protocol::Http2
    } else {
        Protocol::Http1
    };
    let mut client = IcwsClient::new(task.icws(protocol));
    let mut events = match begin(&mut client).await {
        Ok(events) => events,
        Err(error) => return task.diary.failed(&task.name, 1, &error),
    };
    task.count(|diary| &diary.connections);
    let session = client.session_id().unwrap_or_default().to_owned();
    loop {
        let over = task.is_over();
        let Some(number) = task.behind.ic.push(&session, json!({ "isDelta": true })) else {
            return task.diary.failed(&task.name, 1, &"the session is over");
        };
        let what = match tokio::time::timeout(PATIENCE, events.next()).await {
            Ok(Ok(Some((event, _)))) if event.id == number.to_string() => None,
            Ok(Ok(Some((event, _)))) => Some(format!("{number} was expected, {event:?} came")),
            Ok(Ok(None)) => Some("the stream ended".to_owned()),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("silent for {PATIENCE:?}")),
        };
        if let Some(what) = what {
            return task.diary.dropped(&task.name, 1, &what);
        }
        task.count(|diary| &diary.events);
        task.stands();
        if over {
            return;
        }
        task.rest(PAUSE).await;
    }
}

async fn begin(client: &mut IcwsClient) -> Result<EventStream, ClientError> {
    client.login("ic", PASSWORD.0, PASSWORD.1).await?;
    client.events().await
}
