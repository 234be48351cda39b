//! Chats and callbacks on their way through: a place is reserved before the server hears of a start, and the server's answer decides
//! what becomes of it.
//!
//! ```text
//! admit       a start reserves its place, or is refused        begin
//! passage     the server may have seen it from here on          sent
//! head        the answer's media type, or all of an empty one   answered
//! body        started · lives on · re-keyed · ended             settle
//! ```

use std::fmt::Display;

use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, EXPECT};
use http::{StatusCode, Version};
use log::debug;
use pingora_core::Error;
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::Session;

use crate::exchange::{Call, Exchange};
use crate::front_door::BodyProgress;
use crate::kinds::interaction as wire;
use crate::kinds::interaction::{Answer, Asked, Media, Operation, Rejoin, Wire};
use crate::limits::interactions::{self as limits, Ask, Kind, Slot, User};
use crate::limits::{Address, Clock, Mode, Now};
use crate::reason::Reason;
use crate::routing::decide::Refusal;
use crate::runtime::Runtime;

/// The largest request body that is read ahead. Pingora can give back no more than this.
const READ_AHEAD: usize = 64 * 1024;

/// What a request does to an interaction.
pub struct Interaction {
    wire: Wire,
    operation: Operation,
    /// The place of a start.
    slot: Option<Slot>,
    /// When the request came.
    asked: Now,
    /// What a reconnect asks for.
    rejoin: Option<Rejoin>,
    /// How the answer is to be read.
    answer: Option<(u16, Media)>,
    /// How long the answer says that it is.
    expected: Option<u64>,
}

/// Finds out whether the request is about an interaction, and reserves a place for a start.
///
/// # Errors
/// [`Reason::Interactions`] with the vendor's name of the limit; [`Reason::BodyTooLarge`] for a start of more than 64 KiB, unless it
/// says its length and no limit is enforced.
pub async fn begin(
    session: &mut Session,
    exchange: &mut Exchange,
    runtime: &Runtime,
) -> Result<(), Refusal> {
    let Some((wire, operation)) = exchange.call.as_ref().and_then(operation) else {
        return Ok(());
    };
    let asked = Clock::now();
    let (mut slot, mut rejoin) = (None, None);
    match operation {
        Operation::Start(_) => {
            let body = read_ahead(session, exchange).await?;
            let who = Asked::read(&Media::of(&session.req_header().headers), &body);
            slot = reserve(exchange, runtime, &operation, &who)?;
        }
        Operation::Reconnect(interaction) => {
            let body = read_ahead(session, exchange).await?;
            let media = Media::of(&session.req_header().headers);
            rejoin = Rejoin::read(interaction, &media, &body);
        }
        _ => {}
    }
    exchange.interaction = Some(Box::new(Interaction {
        wire,
        operation,
        slot,
        asked,
        rejoin,
        answer: None,
        expected: None,
    }));
    Ok(())
}

fn operation(call: &Call) -> Option<(Wire, Operation)> {
    let wire = call.upstream.facts.kind.interactions()?;
    let operation = Operation::of(wire, &call.method, call.inner_path())?;
    Some((wire, operation))
}

/// The whole body, which Pingora sends on to the server afterwards.
///
/// SECURITY: a client that waits for a 100 is told to go on, here and by us. To forward such a start unread would let its sender hide
/// whose it is, and hold a place for a body that never comes.
async fn read_ahead(session: &mut Session, exchange: &Exchange) -> Result<Vec<u8>, Refusal> {
    let of_client = |error: Box<Error>| Refusal::from(super::failure::reason(&error.into_down()));
    let mut body = Vec::new();
    let is_enforced = exchange.snapshot.interactions.rules.mode == Some(Mode::Enforce);
    let declared = super::arrival::declared_length(session.req_header());
    if !is_enforced && declared.is_some_and(|declared| declared > READ_AHEAD as u64) {
        // What only counts refuses nothing: the body passes unread.
        return Ok(body);
    }
    if is_waiting(session.req_header()) {
        // The client sends no body before it is told to, and the server that would tell it hears of nothing before there is a body.
        let told = session.as_downstream_mut().write_continue_response();
        told.await.map_err(of_client)?;
        session.req_header_mut().remove_header(&EXPECT);
    }
    let route = exchange.route.as_ref().map_or(0, |route| route.body_limit);
    let most = usize::try_from(route).map_or(READ_AHEAD, |most| most.min(READ_AHEAD));
    session.enable_retry_buffering();
    let progress = BodyProgress::current();
    if let Some(progress) = &progress {
        progress.start();
    }
    loop {
        let chunk = session.read_request_body().await;
        let chunk = chunk.map_err(of_client)?;
        let Some(chunk) = chunk else { break };
        if let Some(progress) = &progress {
            progress.tick(chunk.len());
        }
        if body.len() + chunk.len() > most {
            return Err(Reason::BodyTooLarge.into());
        }
        body.extend_from_slice(&chunk);
    }
    if let Some(progress) = &progress {
        progress.finished();
    }
    Ok(body)
}

/// Whether the client wants a 100 before it sends the body (RFC 9110, 10.1.1). Pingora cannot give one over HTTP/2.
fn is_waiting(head: &RequestHeader) -> bool {
    let expects = head.headers.get(EXPECT);
    head.version == Version::HTTP_11
        && expects.is_some_and(|what| what.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

fn reserve(
    exchange: &Exchange,
    runtime: &Runtime,
    operation: &Operation,
    asked: &Asked,
) -> Result<Option<Slot>, Refusal> {
    let (Operation::Start(interaction), Some(client)) = (operation, exchange.client) else {
        return Ok(None);
    };
    let Some(call) = &exchange.call else {
        return Ok(None);
    };
    let Some(pair) = &call.upstream.facts.interactions else {
        return Ok(None);
    };
    let rules = &exchange.snapshot.interactions;
    let ask = Ask {
        kind: kind(*interaction),
        address: Address::from(client),
        // Whom no limit per address holds for, this one does not hold for either: a proxy that names nobody speaks for many.
        trusted: exchange.counted_as.is_none() || rules.trusts(client),
        user: match asked {
            Asked::Named(name) => User::Named(name),
            // SECURITY: what we cannot read the server perhaps can; a limit on the anonymous must not be passed by that.
            Asked::Anonymous | Asked::Unknown => User::Anonymous,
        },
    };
    match pair.reserve(ask, &rules.rules, Clock::now()) {
        Ok(reserved) => {
            if let Some(parameter) = reserved.observed {
                runtime.metrics.observed(Reason::Interactions);
                debug!(
                    "{} {} would refuse this start",
                    exchange.id,
                    parameter.name()
                );
            }
            Ok(Some(reserved.slot))
        }
        Err(parameter) => Err(Refusal {
            detail: Some(format!("{} of {}", parameter.name(), pair.name())),
            ..Reason::Interactions.into()
        }),
    }
}

/// The request's head goes to the server: from here on it may have seen the start.
///
/// # Errors
/// None: the codings that are left are fit for a header.
pub fn sent(exchange: &mut Exchange, head: &mut RequestHeader) -> Result<(), Box<Error>> {
    let Some(running) = &mut exchange.interaction else {
        return Ok(());
    };
    if let Some(slot) = &mut running.slot {
        slot.sent();
    }
    // SECURITY: or a visitor asks for a coding that is unknown here, and his chats run without being followed.
    if let Some(readable) = wire::readable_codings(&head.headers) {
        head.insert_header(ACCEPT_ENCODING, readable)?;
    }
    Ok(())
}

/// What the answer's head leaves to be known.
pub enum Awaited {
    /// Nothing. With it what could not be read, for the log.
    Nothing(Option<String>),
    /// What the body says.
    Body,
}

/// The answer's head is here.
pub fn answered(exchange: &mut Exchange, head: &ResponseHeader) -> Awaited {
    let Some(running) = &mut exchange.interaction else {
        return Awaited::Nothing(None);
    };
    let media = Media::of(&head.headers);
    running.answer = Some((head.status.as_u16(), media));
    let length = head.headers.get(CONTENT_LENGTH);
    running.expected = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let empty = head.status == StatusCode::NO_CONTENT || running.expected == Some(0);
    // A start that is refused by its status is refused, however long the page with the reason is.
    let refused = matches!(running.operation, Operation::Start(_)) && !head.status.is_success();
    match empty || refused {
        true => Awaited::Nothing(settle(exchange, &[])),
        false => Awaited::Body,
    }
}

/// The request has failed on its way: a place that the server never heard of is free before the client hears of that.
pub fn failed(exchange: &mut Exchange) {
    exchange.interaction = None;
}

/// The answer is complete: what the server says of the interaction. Returns what could not be read, for the log.
pub fn settle(exchange: &mut Exchange, body: &[u8]) -> Option<String> {
    let mut running = exchange.interaction.take()?;
    let call = exchange.call.as_ref()?;
    let facts = &call.upstream.facts;
    let pair = facts.interactions.as_ref()?;
    let (status, media) = running.answer.take()?;
    let server = &facts.name;
    let now = Clock::now();
    let answer = match Answer::read(running.wire, &running.operation, status, &media, body) {
        Ok(answer) => answer,
        Err(unreadable) => {
            if let Some(participant) = running.operation.participant()
                && (200..300).contains(&status)
            {
                pair.seen(server, participant.as_str(), now);
            }
            return Some(told(server, &unreadable));
        }
    };
    let success = answer.is_success();
    match &running.operation {
        Operation::Start(_) => {
            if let Some(slot) = running.slot.take() {
                match (success, &answer.id, &answer.participant) {
                    (true, Some(id), Some(participant)) => {
                        slot.started(server, id.as_str(), participant.as_str(), now);
                    }
                    // It runs, but cannot be followed: it stays in doubt.
                    (true, ..) => drop(slot),
                    (false, ..) if answer.is_in_doubt() => drop(slot),
                    (false, ..) => slot.failed(),
                }
            }
        }
        Operation::Reconnect(interaction) if success => {
            let asked = running.rejoin.as_ref();
            let id = answer.id.as_ref().or(asked.map(|asked| &asked.id));
            let vouched = answer.participant.is_some();
            let participant = answer
                .participant
                .as_ref()
                .or(asked.and_then(|asked| asked.participant.as_ref()));
            if let (Some(id), Some(participant), Some(client)) = (id, participant, exchange.client)
            {
                let address = Address::from(client);
                let rejoin = limits::Rejoin {
                    kind: kind(*interaction),
                    server,
                    id: id.as_str(),
                    participant: participant.as_str(),
                    vouched,
                    address,
                    asked: running.asked,
                };
                pair.reconnected(&rejoin, now);
            }
        }
        Operation::Reconnect(_) => {}
        operation => {
            let participant = operation.participant()?.as_str();
            if !operation.may_end() {
                if success {
                    pair.seen(server, participant, now);
                }
            } else if answer.unknown_session {
                pair.unknown_session(server, participant, now);
            } else if answer.ended || success && matches!(operation, Operation::Exit { .. }) {
                pair.ended(participant, now);
            } else if success {
                pair.seen(server, participant, now);
            }
        }
    }
    None
}

/// The answer is too large to be looked at. Returns that, for the log.
pub fn unreadable(exchange: &mut Exchange) -> Option<String> {
    let running = exchange.interaction.take()?;
    let server = &exchange.call.as_ref()?.upstream.facts.name;
    // A start stays in doubt: its place is held until silence ends it.
    drop(running);
    Some(told(server, &"it is larger than 256 KiB"))
}

fn kind(interaction: wire::Interaction) -> Kind {
    match interaction {
        wire::Interaction::Chat => Kind::Chat,
        wire::Interaction::Callback => Kind::Callback,
    }
}

fn told(server: &str, why: &dyn Display) -> String {
    format!(
        "an answer of {server} about a chat or callback could not be read, so it is not followed: {why}"
    )
}

impl Interaction {
    /// Whether `kept` bytes are all that the answer's head has announced.
    pub fn is_whole(&self, kept: usize) -> bool {
        self.expected == Some(kept as u64)
    }
}
