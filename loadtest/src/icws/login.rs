//! Log in (`POST /icws/connection`) and log out (`DELETE /icws/<sid>/connection`).
//!
//! ```text
//! HTTP/1.1 201 Created
//! ININ-ICWS-Session-ID: 1234567890
//! Location: /icws/1234567890/connection
//! Set-Cookie: icws_1234567890=dba2f460-58ce-47ba-85b3-1bcf4e1e526e; Path=/icws/1234567890; HttpOnly
//! ```

use openssl::rand::rand_bytes;
use serde_json::{Value, json};

use super::behaviour::{Behaviour, CookieOrder};
use super::routes::{Call, text};
use super::session::Session;
use super::token::CsrfToken;
use super::{answer, resources};
use crate::wire::Reply;

/// `errorCode` of a refused user or password (400, not 401).
const AUTHENTICATION_FAILED: i64 = -2_147_221_503;
/// COM's E_FAIL, the code of a general failure.
const GENERAL_FAILURE: i64 = -2_147_467_259;

pub(super) fn connect(call: &Call<'_>) -> Reply {
    let behaviour = call.state.behaviour();
    if !behaviour.accepts_connections() {
        return not_accepting(&behaviour);
    }
    match checked(call) {
        Ok((user, application, language)) => {
            created(call, &behaviour, (user, application, language))
        }
        Err(refusal) => refusal,
    }
}

pub(super) fn disconnect(call: &Call<'_>, sid: &str) -> Reply {
    call.state.sessions.end(sid);
    answer::empty(200)
}

fn not_accepting(behaviour: &Behaviour) -> Reply {
    let (id, message) = if behaviour.switchover {
        ("error.server.unavailable", "The server is unavailable.")
    } else {
        (
            "error.server.notAcceptingConnections",
            "This Session Manager is not currently accepting connections.",
        )
    };
    answer::json(
        503,
        &json!({"alternateHostList": behaviour.alternates, "errorId": id, "message": message}),
    )
}

/// The user, application and language of an acceptable login.
fn checked(call: &Call<'_>) -> Result<(String, String, String), Reply> {
    let language = call
        .request
        .first("accept-language")
        .filter(|value| !value.trim().is_empty());
    // INFERRED: the documents say that the header is required, not what happens without it.
    let language = language.ok_or_else(|| answer::missing("Accept-Language"))?;
    let body = call.object()?;
    let application = text(&body, "applicationName")?.to_owned();
    let user = match text(&body, "__type")? {
        "urn:inin.com:connection:icAuthConnectionRequestSettings" => {
            let (user, password) = (text(&body, "userID")?, text(&body, "password")?);
            let known = |(id, secret): &(String, String)| {
                id.eq_ignore_ascii_case(user) && secret == password
            };
            call.state.logins.iter().any(known).then(|| user.to_owned())
        }
        "urn:inin.com:connection:singleSignOnTokenConnectionRequestSettings" => {
            call.state.sso.redeem(text(&body, "singleSignOnToken")?)
        }
        _ => {
            return Err(answer::malformed(
                "The __type of the connection request settings is unknown.",
            ));
        }
    };
    let id = "error.request.connection.authenticationFailure";
    let failed = || {
        answer::error(
            400,
            id,
            AUTHENTICATION_FAILED,
            "The authentication process failed.",
        )
    };
    Ok((user.ok_or_else(failed)?, application, language))
}

fn created(call: &Call<'_>, behaviour: &Behaviour, who: (String, String, String)) -> Reply {
    let failure = || {
        answer::error(
            500,
            "error.server.general",
            GENERAL_FAILURE,
            "Unspecified error",
        )
    };
    let (Some(sid), Some(token_guid), Some(cookie_guid)) = (session_id(), guid(), guid()) else {
        return failure();
    };
    let peer = call.connected.peer.ip();
    let (user, application) = (who.0.clone(), who.1.clone());
    let token = CsrfToken {
        user,
        application,
        guid: token_guid,
        peer: peer.to_string(),
    }
    .encode();
    let cookie = if behaviour.cookie_language {
        format!("{cookie_guid}|languageId=en-us")
    } else {
        cookie_guid
    };
    let session = Session::new(sid, who, peer, (token, cookie));
    let Some(session) = call.state.sessions.add(session) else {
        return failure();
    };

    let mut body = json!({
        "__type": "urn:inin.com:connection:createConnectionResponse",
        "csrfToken": session.csrf_token,
        "sessionId": session.id,
        "userID": session.user,
        "userDisplayName": session.user,
        "icServer": call.state.name,
        "daysUntilPasswordExpiration": 90,
    });
    include(
        &mut body,
        &call.request.parameter("include").unwrap_or_default(),
    );
    if !behaviour.alternates.is_empty() {
        set(&mut body, "alternateHostList", json!(behaviour.alternates));
    }
    answer::json(201, &body)
        .header("ININ-ICWS-CSRF-Token", &session.csrf_token)
        .header("ININ-ICWS-Session-ID", &session.id)
        .header("Location", format!("/icws/{}/connection", session.id))
        .header(
            "Set-Cookie",
            set_cookie(&session, behaviour.cookie_order, call.state.tls),
        )
}

/// Adds what the comma list asks for and nothing else.
fn include(body: &mut Value, wanted: &str) {
    for item in wanted.split(',').map(str::trim) {
        match item {
            "features" => set(
                body,
                "features",
                resources::features()["featureInfoList"].clone(),
            ),
            "version" => set(body, "version", resources::version()),
            "default-workstation" => set(body, "defaultWorkstationId", json!("WORKSTATION1")),
            "effective-station" => set(
                body,
                "effectiveStation",
                json!({"__type": "urn:inin.com:connection:stationInfo"}),
            ),
            "server-time" => set(body, "serverTimeInfo", resources::server_time()),
            _ => {}
        }
    }
}

fn set(body: &mut Value, property: &str, value: Value) {
    if let Some(object) = body.as_object_mut() {
        object.insert(property.to_owned(), value);
    }
}

fn set_cookie(session: &Session, order: CookieOrder, secure: bool) -> String {
    let (name, value, sid) = (session.cookie_name(), &session.cookie_value, &session.id);
    let secure = if secure { "; Secure" } else { "" };
    match order {
        CookieOrder::PathFirst => format!("{name}={value}; Path=/icws/{sid}; HttpOnly{secure}"),
        CookieOrder::PathLast => format!("{name}={value}; HttpOnly{secure}; Path=/icws/{sid}"),
    }
}

/// A decimal of ten digits, as real ids are.
fn session_id() -> Option<String> {
    let mut bytes = [0; 4];
    rand_bytes(&mut bytes).ok()?;
    let spread = u64::from(u32::from_be_bytes(bytes)) % 3_000_000_000;
    Some((1_000_000_000 + spread).to_string())
}

/// A random identifier in the 8-4-4-4-12 form.
pub(super) fn guid() -> Option<String> {
    let mut bytes = [0; 16];
    rand_bytes(&mut bytes).ok()?;
    let hex = u128::from_be_bytes(bytes);
    let (a, b, c) = (hex >> 96, (hex >> 80) & 0xffff, (hex >> 64) & 0xffff);
    let (d, e) = ((hex >> 48) & 0xffff, hex & 0xffff_ffff_ffff);
    Some(format!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_the_shape_of_real_ones() {
        let sid = session_id().unwrap();
        assert!(
            sid.len() == 10 && sid.bytes().all(|b| b.is_ascii_digit()),
            "{sid}"
        );
        let lengths: Vec<usize> = guid().unwrap().split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
    }

    #[test]
    fn the_cookie_has_either_order_of_attributes() {
        let peer = std::net::IpAddr::from([127, 0, 0, 1]);
        let who = ("u".to_owned(), "a".to_owned(), "en-us".to_owned());
        let session = Session::new("12".into(), who, peer, ("t".into(), "v".into()));
        assert_eq!(
            set_cookie(&session, CookieOrder::PathFirst, true),
            "icws_12=v; Path=/icws/12; HttpOnly; Secure"
        );
        assert_eq!(
            set_cookie(&session, CookieOrder::PathLast, true),
            "icws_12=v; HttpOnly; Secure; Path=/icws/12"
        );
        assert_eq!(
            set_cookie(&session, CookieOrder::PathFirst, false),
            "icws_12=v; Path=/icws/12; HttpOnly"
        );
    }
}
