//! Paths that real clients send.

use super::*;

#[test]
fn legitimate_paths_pass_in_their_original_bytes() {
    let table = table();
    for (path, expected) in [
        ("/us/icserver1/icws/connection", "0 /icws/connection"),
        ("/us/icserver1/ICWS/connection", "0 /ICWS/connection"),
        (
            "/us/icserver2/icws/2444387001/messaging/messages",
            "1 /icws/2444387001/messaging/messages",
        ),
        (
            "/us/icserver1/portal/icws/1/connection",
            "0 /icws/1/connection",
        ),
        (
            "/apps/client/api/icserver1/icws/1/connection/station",
            "2.0 /icws/1/connection/station",
        ),
        ("/apps/client/api/ICServer2/icws/1/x", "2.1 /icws/1/x"),
        ("/apps/admin/api/icserver1/icws/1/x", "3.0 /icws/1/x"),
        ("/api/icserver2/icws/1/x", "3.1 /icws/1/x"),
        (
            "/us/icserver1/icws/123/configuration/users/a%2fb",
            "0 /icws/123/configuration/users/a%2fb",
        ),
        (
            "/us/icserver1/icws/123/configuration/users/a%2Fb%2Fc",
            "0 /icws/123/configuration/users/a%2Fb%2Fc",
        ),
        (
            "/us/icserver1/icws/123/configuration/users/john%20doe",
            "0 /icws/123/configuration/users/john%20doe",
        ),
        (
            "/us/icserver1/icws/123/configuration/users/Andr%C3%A9",
            "0 /icws/123/configuration/users/Andr%C3%A9",
        ),
        (
            "/us/icserver1/icws/123/configuration/users/%E5%B1%B1%E7%94%B0",
            "0 /icws/123/configuration/users/%E5%B1%B1%E7%94%B0",
        ),
        (
            "/us/icserver1/icws/123/configuration/users/CORP%5Calice",
            "0 /icws/123/configuration/users/CORP%5Calice",
        ),
        (
            "/us/icserver1/icws/123/configuration/users/CORP\\alice",
            "0 /icws/123/configuration/users/CORP\\alice",
        ),
        ("/us/icserver1/icws/123/users/a;b", "0 /icws/123/users/a;b"),
        (
            "/us/icserver1/icws/123/users/a@b:c,d",
            "0 /icws/123/users/a@b:c,d",
        ),
        (
            "/us/icserver1/icws/123/users/a%40b%3Ac%2Cd%3Be",
            "0 /icws/123/users/a%40b%3Ac%2Cd%3Be",
        ),
        (
            "/us/icserver1/icws/123/users/a+b%2Bc",
            "0 /icws/123/users/a+b%2Bc",
        ),
        (
            "/us/icserver1/icws/123/workgroups/100%25%20club",
            "0 /icws/123/workgroups/100%25%20club",
        ),
        (
            "/us/icserver1/icws/123/workgroups/50%25zz",
            "0 /icws/123/workgroups/50%25zz",
        ),
        (
            "/us/icserver1/icws/123/workgroups/C%23%3f",
            "0 /icws/123/workgroups/C%23%3f",
        ),
        (
            "/us/icserver1/icws/123/workgroups/a%252fb",
            "0 /icws/123/workgroups/a%252fb",
        ),
        (
            "/us/icserver1/icws/123/users/a..b.",
            "0 /icws/123/users/a..b.",
        ),
        (
            "/us/icserver1/icws/123/users/.hidden",
            "0 /icws/123/users/.hidden",
        ),
        (
            "/us/icserver1/icws/123/users/{guid}[0]|x^y",
            "0 /icws/123/users/{guid}[0]|x^y",
        ),
        (
            "/us/icserver1/icws/123/users/%7Bguid%7D",
            "0 /icws/123/users/%7Bguid%7D",
        ),
        (
            "/us/icserver1/icws/123//messaging/",
            "0 /icws/123//messaging/",
        ),
        (
            "/us/icserver1/icws/123/./messaging",
            "0 /icws/123/./messaging",
        ),
        (
            "/us/icserver1/icws/123/a/../messaging",
            "0 /icws/123/a/../messaging",
        ),
        (
            "/us/icserver1/icws/1/..%3f/../../icws/x",
            "0 /icws/1/..%3f/../../icws/x",
        ),
        (
            "/us/icserver1/icws/1/users/%EF%BC%8F",
            "0 /icws/1/users/%EF%BC%8F",
        ),
        (
            "/I3Root/Server1/websvcs/chat/start",
            "4 /websvcs/chat/start",
        ),
        (
            "/I3Root/Server2/WebSvcs/serverConfiguration",
            "5 /WebSvcs/serverConfiguration",
        ),
        (
            "/I3Root/Server1/websvcs/chat/getfile/p/h/-a%20b.pdf",
            "4 /websvcs/chat/getfile/p/h/-a%20b.pdf",
        ),
        (
            "/I3Root/Server1/websvcs/chat/poll/",
            "4 /websvcs/chat/poll/",
        ),
        (
            "/I3Root/WebServices/Server1/doHTMLRequest",
            "6 /WebHTMLService/doHTMLRequest",
        ),
        ("/I3Root/", "7 /"),
        ("/I3Root/index.html", "7 /index.html"),
        ("/I3Root/img/logo%402x.png", "7 /img/logo%402x.png"),
        ("/I3Root/a%20b/c.js", "7 /a%20b/c.js"),
        ("/gadgets/x;jsessionid=1/y", "8 /base/app/x;jsessionid=1/y"),
        ("/gadgets/", "8 /base/app/"),
        ("/gadgets/a/", "8 /base/app/a/"),
        ("/listed/public/a%2fb", "9 /public/a%2fb"),
        ("/listed/public/..%2fone.css", "9 /public/..%2fone.css"),
        ("/listed/one.css", "9 /one.css"),
        ("/favicon.ico", "10 /favicon.ico"),
        ("/apps/client/lib/app.js", "11 /lib/app.js"),
        ("/apps/client/api/icserver1", "11 /api/icserver1"),
    ] {
        assert_eq!(outcome(table, path), expected, "{path}");
    }
}
