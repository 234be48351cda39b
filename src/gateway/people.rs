//! Users who sign in, are there and sign out, by the answers of servers on their way through.
//!
//! ```text
//! head   201 of a sign-in        signed in, its name follows with the body
//!        2xx within a session    there; an event stream holds a guard
//!        2xx of a sign-out       signed out
//!        401 to its own client   what the body says decides
//! body   a name, or an end       settle
//! ```

use std::sync::Arc;

use http::StatusCode;
use http::header::CONTENT_LENGTH;
use pingora_http::{RequestHeader, ResponseHeader};

use crate::exchange::{Call, Exchange};
use crate::kinds::interaction::Media;
use crate::kinds::session::{Begun, Deed, Sessions};
use crate::limits::{Address, Clock, Now};
use crate::people::{Idle, Newcomer, People, Seen, SessionKey};

/// A body that has yet to say something of a session.
pub struct Awaited {
    people: Arc<People>,
    sessions: &'static dyn Sessions,
    what: What,
    media: Media,
    /// How long the answer says that it is.
    expected: Option<u64>,
    /// Nobody else wants to see this body.
    pub alone: bool,
}

enum What {
    /// Whose session it is.
    Name(SessionKey),
    /// Which session has begun, and whose it is.
    All {
        server: Arc<str>,
        address: Address,
        asked: Now,
        idle: Idle,
    },
    /// Whether it is no more.
    End(SessionKey),
}

/// A server has answered; this is the head as it came, or as the client will see it.
pub fn answered(
    exchange: &mut Exchange,
    request: &RequestHeader,
    head: &ResponseHeader,
    people: &Arc<People>,
) {
    let Some(what) = heard(exchange, request, head, people) else {
        return;
    };
    let Some(sessions) = exchange.call.as_ref().and_then(sessions) else {
        return;
    };
    let alone = exchange.observed.is_none();
    exchange.observed.get_or_insert_default();
    let length = head.headers.get(CONTENT_LENGTH);
    exchange.awaited = Some(Box::new(Awaited {
        people: Arc::clone(people),
        sessions,
        what,
        media: Media::of(&head.headers),
        expected: length.and_then(|length| length.to_str().ok()?.parse().ok()),
        alone,
    }));
}

fn sessions(call: &Call) -> Option<&'static dyn Sessions> {
    call.upstream.facts.kind.sessions()
}

/// What the head says. Returns what only the body can tell.
fn heard(
    exchange: &mut Exchange,
    request: &RequestHeader,
    head: &ResponseHeader,
    people: &Arc<People>,
) -> Option<What> {
    let call = exchange.call.as_ref()?;
    let sessions = sessions(call)?;
    let deed = sessions.deed(&call.method, call.inner_path())?;
    if head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
        return None;
    }
    let (kind, server) = (sessions.kind(), &call.upstream.facts.name);
    let idle = &exchange.snapshot.people.idle;
    let now = Clock::now();
    let newcomer = Newcomer {
        kind,
        server,
        address: Address::from(exchange.client?),
        asked: now.before(exchange.timings.started.elapsed()),
    };
    let succeeded = head.status.is_success() || head.status == StatusCode::SWITCHING_PROTOCOLS;
    match deed {
        Deed::SignIn => match sessions.begun(head) {
            Begun::No => None,
            Begun::Session(id) => {
                let session = people.session(kind, server, id);
                let listed = people.signed_in(session, &newcomer, idle, now);
                listed.then_some(What::Name(session))
            }
            Begun::InBody => Some(What::All {
                server: Arc::clone(server),
                address: newcomer.address,
                asked: newcomer.asked,
                idle: *idle,
            }),
        },
        Deed::SignOut(id) if succeeded => {
            exchange.user = people.signed_out(people.session(kind, server, id), now);
            None
        }
        Deed::Stay(id) | Deed::SignOut(id) => {
            let session = people.session(kind, server, id);
            let proofs = || {
                let shown = sessions.credentials(id, call.inner_path(), &request.headers);
                people.proofs(session, shown)
            };
            if succeeded {
                match people.seen(session, newcomer.address, newcomer.asked, now) {
                    Seen::Here { learns, user } => {
                        exchange.user = user;
                        if learns {
                            people.learn(session, proofs());
                        }
                    }
                    Seen::Unknown if proofs().any() => {
                        people.found(session, &newcomer, proofs(), idle, now);
                    }
                    // SECURITY: a path that needs no proof is no session.
                    Seen::Unknown | Seen::Over => return None,
                }
                if sessions.opens_channel(head)
                    && let Some(channel) = people.channel(session)
                {
                    exchange.guards.push(Box::new(channel));
                }
                None
            } else {
                // SECURITY: what is said to anybody else proves nothing about this session.
                let may_end = sessions.may_tell_end(head.status.as_u16())
                    && people.is_own(session, newcomer.address, proofs());
                may_end.then_some(What::End(session))
            }
        }
    }
}

/// The answer is complete, as far as it was kept. Returns who has signed in with it or out.
pub fn settle(awaited: &Awaited, body: &[u8]) -> Option<Arc<str>> {
    let Awaited {
        people,
        sessions,
        media,
        ..
    } = awaited;
    let now = Clock::now();
    match &awaited.what {
        What::Name(session) => {
            let user = sessions.told(media, body).user?;
            people.named(*session, &user)
        }
        What::All {
            server,
            address,
            asked,
            idle,
        } => {
            let told = sessions.told(media, body);
            let id = told.session?;
            let session = people.session(sessions.kind(), server, &id);
            let newcomer = Newcomer {
                kind: sessions.kind(),
                server,
                address: *address,
                asked: *asked,
            };
            people.signed_in(session, &newcomer, idle, now);
            people.named(session, &told.user?)
        }
        What::End(session) => {
            let ended = sessions.tells_end(media, body);
            ended.then(|| people.signed_out(*session, now)).flatten()
        }
    }
}

impl Awaited {
    /// Whether `kept` bytes are all that the answer's head has announced.
    pub fn is_whole(&self, kept: usize) -> bool {
        self.expected == Some(kept as u64)
    }
}
