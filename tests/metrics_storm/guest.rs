//! One guest, who does at random what clients do, and breaks off wherever it comes to his mind.

use std::time::Duration;

use loadtest::icws::{EventStream, IcwsClient};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::{Client, HOST};
use super::dice::Dice;
use super::house::{House, SOON};

/// A record of TLS that promises more than comes.
const HALF_A_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00";
const START: &str = r#"{"supportedContentTypes":"text/plain","participant":{"name":"Wally"},"target":"Marketing","targetType":"Workgroup"}"#;
/// What he leaves open at most, of each.
const KEPT: usize = 4;

/// How often what has happened.
#[derive(Clone, Debug, Default)]
pub struct Tally([u64; 9]);

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        for (sum, number) in self.0.iter_mut().zip(other.0) {
            *sum += number;
        }
    }

    pub fn must_have_had_everything(&self) {
        assert!(self.0.iter().all(|number| *number >= 20), "{self:?}");
    }
}

pub struct Guest {
    dice: Dice,
    number: usize,
    sockets: Vec<TcpStream>,
    pages: Vec<Client>,
    application: IcwsClient,
    signed_in: bool,
    streams: Vec<EventStream>,
    pub tally: Tally,
}

impl Guest {
    pub fn new(house: &House, number: usize, dice: Dice) -> Self {
        Guest {
            dice,
            number,
            sockets: Vec::new(),
            pages: Vec::new(),
            application: house.application(number.is_multiple_of(2)),
            signed_in: false,
            streams: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// One thing that a client does.
    pub async fn step(&mut self, house: &House) {
        let what = self.dice.below(9) as usize;
        self.tally.0[what] += 1;
        match what {
            0 => self.socket(house, false, HALF_A_HELLO).await,
            1 => self.socket(house, true, HALF_A_HELLO).await,
            2 => {
                let half = format!("GET /web/ HTTP/1.1\r\nHost: {HOST}\r\nX-Half: ");
                self.socket(house, false, half.as_bytes()).await;
            }
            3 => {
                let body = "Content-Length: 5000\r\n\r\nslow";
                let upload = format!("POST /web/ HTTP/1.1\r\nHost: {HOST}\r\n{body}");
                self.socket(house, false, upload.as_bytes()).await;
            }
            4 => {
                let whole = format!("GET /web/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
                self.socket(house, false, whole.as_bytes()).await;
            }
            5 => {
                let upgrade = format!(
                    "GET /echo/ HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                );
                self.socket(house, false, upgrade.as_bytes()).await;
            }
            6 => self.page(house).await,
            7 => self.chat(house).await,
            _ => self.work(house).await,
        }
        self.tire();
    }

    /// Waits to the end, or hardly at all.
    fn patience(&mut self) -> Duration {
        match self.dice.percent(40) {
            true => Duration::from_micros(self.dice.below(5000)),
            false => Duration::from_millis(700),
        }
    }

    /// A connection with these bytes on it, which is then kept, closed or reset, with or without a look at the answer.
    async fn socket(&mut self, house: &House, tls: bool, bytes: &[u8]) {
        let to = if tls {
            house.edge.https()
        } else {
            house.edge.plain()
        };
        let mut socket = TcpStream::connect(to).await.unwrap();
        // It may be closed at the other end already.
        let _ = socket.write_all(bytes).await;
        if self.dice.percent(60) {
            let mut some = vec![0; 1 + self.dice.below(4000) as usize];
            let _ = timeout(self.patience(), socket.read(&mut some)).await;
        }
        match self.dice.below(3) {
            0 => self.sockets.push(socket),
            1 => drop(socket),
            _ => reset(socket),
        }
    }

    /// A page over HTTP/2: some requests at the same time, each waited for or reset.
    async fn page(&mut self, house: &House) {
        // On a busy machine the handshake may take longer than the gateway waits here.
        let Ok(page) = Client::http2_at(house.edge.https(), [127, 0, 0, 1]).await else {
            return;
        };
        let mut asked = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (mut client, patience) = (page.another(), self.patience());
            asked.spawn(async move {
                timeout(patience, client.ask("GET", "/web/", ""))
                    .await
                    .is_ok()
            });
        }
        while asked.join_next().await.is_some() {}
        if self.dice.percent(50) {
            self.pages.push(page);
        }
    }

    /// A chat that begins, and may be ended.
    async fn chat(&mut self, house: &House) {
        let mut client = Client::http1_at(house.edge.plain(), [127, 0, 0, 1])
            .with("Content-Type", "application/json");
        let patience = self.patience();
        let started = timeout(
            patience,
            client.ask("POST", "/I3Root/Server1/websvcs/chat/start", START),
        )
        .await;
        let Ok(Ok(answer)) = started else { return };
        let Some(inside) = answer.success().filter(|_| self.dice.percent(30)) else {
            return;
        };
        let participant = inside["participantID"].as_str().unwrap().to_owned();
        let path = format!("/I3Root/Server1/websvcs/chat/exit/{participant}");
        let _ = timeout(self.patience(), client.ask("POST", &path, "")).await;
    }

    /// Signs in, asks, listens, signs out, or closes the window.
    async fn work(&mut self, house: &House) {
        let patience = self.patience();
        if !self.signed_in {
            let number = 1 + self.dice.below(9);
            let (name, secret) = (format!("agent{number}"), format!("secret{number}"));
            let login = timeout(
                patience,
                self.application.login("icserver1", &name, &secret),
            )
            .await;
            self.signed_in = matches!(login, Ok(Ok(_)));
            return;
        }
        match self.dice.below(6) {
            0 => {
                let _ = timeout(patience, self.application.logout()).await;
                self.close(house);
            }
            1 => self.close(house),
            2 => {
                let _ = timeout(patience, self.application.poll()).await;
            }
            _ => {
                if let Ok(Ok(events)) = timeout(patience, self.application.events()).await {
                    self.streams.push(events);
                }
            }
        }
    }

    fn close(&mut self, house: &House) {
        self.streams.clear();
        self.application = house.application(self.number.is_multiple_of(2));
        self.signed_in = false;
    }

    /// Lets go of what is too much.
    fn tire(&mut self) {
        while self.sockets.len() > KEPT {
            let socket = self.sockets.swap_remove(0);
            match self.dice.percent(50) {
                true => reset(socket),
                false => drop(socket),
            }
        }
        self.pages.truncate(KEPT);
        self.streams.truncate(KEPT);
    }

    /// Goes home: in good form, or by pulling the cable.
    pub async fn leave(mut self) {
        if self.number.is_multiple_of(3) {
            self.streams.clear();
            let _ = timeout(SOON, self.application.logout()).await;
        }
        for socket in self.sockets.drain(..) {
            reset(socket);
        }
    }
}

/// Ends a connection without a word of good-bye: RST.
fn reset(socket: TcpStream) {
    // One that the gateway has closed already cannot be set.
    let _ = socket.set_zero_linger();
}
