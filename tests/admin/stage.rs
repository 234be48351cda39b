//! A gateway whose admin listener has a certificate, a token and authorities of clients at hand.

use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Got};
use loadtest::wire::{Authority, Identity};

/// Longer than anything here takes on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);
/// The name in the certificate.
pub const NAME: &str = "portcullis.example.com";
pub const TOKEN: &str = "c0ffee00c0ffee00c0ffee00c0ffee00";
pub const OTHER_TOKEN: &str = "0ff1ce000ff1ce000ff1ce000ff1ce00";

/// What the file says of the listener, in several combinations.
pub const PLAIN: &str = "{ listen: 127.0.0.1:0 }";
pub const WITH_TOKEN: &str = "{ listen: 127.0.0.1:0, token: { file: token } }";
pub const WITH_TLS: &str = "{ listen: 127.0.0.1:0, names: [portcullis.example.com], tls: { cert: admin.pem, key: admin.key }, token: { file: token } }";
pub const WITH_CA: &str =
    "{ listen: 127.0.0.1:0, tls: { cert: admin.pem, key: admin.key }, client_ca: operators.pem }";
pub const WITH_ALL: &str = "{ listen: 127.0.0.1:0, tls: { cert: admin.pem, key: admin.key }, token: { file: token }, client_ca: operators.pem }";

pub struct Stage {
    pub edge: Edge,
    pub operators: Authority,
    pub strangers: Authority,
}

pub fn file(admin: &str) -> String {
    format!(
        "admin: {admin}\nlisteners: [{{ listen: 127.0.0.1:0 }}]\nhosts: {{ proxy.example.com: {{ files: www }} }}\n"
    )
}

impl Stage {
    pub async fn with(admin: &str) -> Stage {
        let operators = Authority::new("Operators").unwrap();
        let strangers = Authority::new("Strangers").unwrap();
        let text = file(admin);
        let edge = Edge::with(&text, &["proxy.example.com"], |folder| {
            std::fs::create_dir(folder.join("www"))?;
            std::fs::write(folder.join("token"), format!("{TOKEN}\n"))?;
            std::fs::write(folder.join("operators.pem"), operators.pem())?;
            std::fs::write(folder.join("strangers.pem"), strangers.pem())?;
            for name in ["admin", "next"] {
                let identity = operators.issue(&[NAME, "127.0.0.1"])?;
                std::fs::write(folder.join(format!("{name}.pem")), identity.certificate_pem)?;
                std::fs::write(folder.join(format!("{name}.key")), identity.key_pem)?;
            }
            Ok(())
        });
        Stage {
            edge: edge.await.unwrap(),
            operators,
            strangers,
        }
    }

    pub async fn reload(&self, admin: &str) {
        self.edge.reload(&file(admin)).await.unwrap();
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.edge.folder().join(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.edge.folder().join(name)).unwrap()
    }

    pub fn plain(&self) -> Dial {
        Dial::plain(self.edge.admin())
    }

    pub fn tls(&self) -> Dial {
        Dial::tls(self.edge.admin())
            .sni(NAME)
            .trusting(&self.operators.pem())
    }

    /// A client of an authority, as its certificate says.
    pub fn operator(&self, authority: &Authority) -> Identity {
        authority.issue(&["olivia"]).unwrap()
    }
}

pub fn request(line: &str, fields: &str, body: &str) -> String {
    let host = if fields.contains("Host:") {
        ""
    } else {
        "Host: localhost\r\n"
    };
    let length = body.len();
    format!("{line} HTTP/1.1\r\n{host}{fields}Content-Length: {length}\r\n\r\n{body}")
}

/// One request over a connection of its own.
pub async fn ask(dial: &Dial, line: &str, fields: &str, body: &str) -> Got {
    let fields = format!("{fields}Connection: close\r\n");
    dial.send(request(line, &fields, body), SOON).await.unwrap()
}

pub async fn status(dial: &Dial, line: &str, fields: &str) -> u16 {
    ask(dial, line, fields, "").await.status().unwrap()
}

pub fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// A field of the answer's head.
pub fn field(got: &Got, name: &str) -> Option<String> {
    let head = got.head();
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
    Some(found.1.to_owned())
}

/// Signs in: the cookie as a browser sends it back.
pub async fn sign_in(dial: &Dial, token: &str) -> Result<String, Got> {
    let fields = "Content-Type: application/x-www-form-urlencoded\r\n";
    let got = ask(dial, "POST /sign-in", fields, &format!("token={token}")).await;
    match field(&got, "set-cookie") {
        Some(cookie) if got.status() == Some(303) => {
            let pair = cookie.split(';').next().unwrap();
            Ok(format!("Cookie: theme=dark; {pair}\r\n"))
        }
        _ => Err(got),
    }
}
