use ::http::HeaderValue;

use super::*;

const ICWS: IcwsSessions = IcwsSessions;

fn json() -> Media {
    let mut headers = HeaderMap::new();
    let media = "application/vnd.inin.icws+JSON; charset=utf-8";
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    Media::of(&headers)
}

#[test]
fn what_a_request_does_to_a_session_is_told_by_method_and_path() {
    let stay = Some(Deed::Stay("1234"));
    for (method, path, deed) in [
        (Method::POST, "/icws/connection", Some(Deed::SignIn)),
        (Method::POST, "/ICWS/Connection", Some(Deed::SignIn)),
        (Method::POST, "/icws/connection/", Some(Deed::SignIn)),
        (Method::GET, "/icws/connection", None),
        (Method::POST, "/icws/connection/single-sign-on/return", None),
        (Method::GET, "/icws/connection/version", None),
        (Method::GET, "/icws/1234/connection", stay),
        (Method::GET, "/Icws/1234/messaging/messages", stay),
        (Method::PUT, "/icws/001234/status/user-statuses/a", stay),
        (Method::DELETE, "/icws/1234/connection/station", stay),
        (
            Method::DELETE,
            "/icws/1234/Connection",
            Some(Deed::SignOut("1234")),
        ),
        (
            Method::DELETE,
            "/icws/01234/connection",
            Some(Deed::SignOut("1234")),
        ),
        (Method::POST, "/icws/1234/connection", stay),
        (Method::OPTIONS, "/icws/1234/connection", None),
        (Method::GET, "/icws/1234", None),
        (Method::GET, "/icws/1234/", None),
        (Method::GET, "/icws//connection", None),
        (Method::POST, "/icws/web-chat/start", None),
        (Method::GET, "/icws/Web-Callback/status/1f", None),
        // What could be read in two ways.
        (Method::GET, "/icws/12%334/connection", None),
        (Method::DELETE, "/icws/1234/x/../connection", None),
        (Method::DELETE, "/icws/1234;x/connection", None),
        (Method::GET, "/other/1234/connection", None),
    ] {
        assert_eq!(ICWS.deed(&method, path), deed, "{method} {path}");
    }
    let long = format!("/icws/{}/connection", "1".repeat(MAX_ID_BYTES + 1));
    assert_eq!(ICWS.deed(&Method::GET, &long), None);
    assert_eq!(
        ICWS.deed(&Method::GET, "/icws/000/x"),
        Some(Deed::Stay("000"))
    );
}

#[test]
fn only_a_201_begins_a_session_and_it_is_named_by_header_location_or_body() {
    let head = |status: u16, fields: &[(&'static str, &'static str)]| {
        let mut head = ResponseHeader::build(status, None).unwrap();
        for (name, value) in fields {
            head.insert_header(*name, *value).unwrap();
        }
        head
    };
    let id = (SESSION_ID, "0123");
    let location = ("location", "/us/icserver1/icws/77/connection");
    for (status, fields, begun) in [
        (201, &[id, location][..], Begun::Session("123")),
        (201, &[location][..], Begun::Session("77")),
        (
            201,
            &[("location", "/icws/77/elsewhere")][..],
            Begun::InBody,
        ),
        (201, &[][..], Begun::InBody),
        (200, &[id][..], Begun::No),
        (503, &[id][..], Begun::No),
        (400, &[][..], Begun::No),
    ] {
        assert_eq!(
            ICWS.begun(&head(status, fields)),
            begun,
            "{status} {fields:?}"
        );
    }
}

#[test]
fn the_body_names_user_and_session_also_compressed_and_nonsense_names_none() {
    use std::io::Write;
    let body = br#"{"csrfToken": "x", "sessionId": 77, "userID": "agent1"}"#;
    let told = ICWS.told(&json(), body);
    assert_eq!(
        (told.session.as_deref(), told.user.as_deref()),
        (Some("77"), Some("agent1"))
    );
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(body).unwrap();
    let told = ICWS.told(&Media::of(&headers), &packed.finish().unwrap());
    assert_eq!(told.user.as_deref(), Some("agent1"));
    for body in [&b""[..], b"<html>", b"[1]", br#"{"userID": null}"#] {
        let told = ICWS.told(&json(), body);
        assert!(told.session.is_none() && told.user.is_none());
    }
}

#[test]
fn only_the_codes_for_no_session_end_one() {
    for (body, ends) in [
        (r#"{"errorCode": 1, "message": "x"}"#, true),
        (r#"{"errorCode": 2}"#, true),
        (r#"{"errorCode": "2"}"#, true),
        (r#"{"errorCode": 4}"#, false),
        (
            r#"{"errorId": "error.request.connection.authenticationFailure", "errorCode": -2147221499}"#,
            false,
        ),
        ("", false),
        ("<html>", false),
    ] {
        assert_eq!(ICWS.tells_end(&json(), body.as_bytes()), ends, "{body}");
    }
}

#[test]
fn the_cookie_is_found_among_whatever_a_client_sends_beside_it() {
    for (sent, found) in [
        (&["icws_1234=abc"][..], Some("abc")),
        (
            &["2444387001; icws_1234=a=b|languageId=en-us; Path=/icws"],
            Some("a=b|languageId=en-us"),
        ),
        (&["a=1", "b=2; icws_01234=abc"], Some("abc")),
        (&["icws_12345=abc; xicws_1234=abc"], None),
        (&["icws_1234"], None),
        (&["icws_1234=\u{fc}"], Some("\u{fc}")),
        (&[], None),
    ] {
        let mut headers = HeaderMap::new();
        for field in sent {
            headers.append(COOKIE, HeaderValue::from_bytes(field.as_bytes()).unwrap());
        }
        assert_eq!(
            cookie("1234", &headers),
            found.map(str::as_bytes),
            "{sent:?}"
        );
    }
}
