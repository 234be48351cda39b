//! A storm: users sign in, ask, listen, break off in the middle and vanish, while servers end sessions and connections. At every quiet
//! moment the list is what the servers have, with every open stream, and in the end it is empty.
//!
//! ```text
//! PORTCULLIS_STORM_SEED=7 cargo test --test people storm      the users' decisions again; the timing is the machine's
//! ```

#[path = "../interactions/storm/dice.rs"]
mod dice;

use std::sync::Arc;
use std::time::Duration;

use loadtest::icws::{EventStream, IcwsClient};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::listed::*;
use super::stage::{HOST, SOON, Stage, Way};
use dice::Dice;

const USERS: usize = 40;
const STEPS: usize = 15;
const PHASES: usize = 3;
const SERVERS: [&str; 2] = ["icserver1", "icserver2"];

struct User {
    stage: Arc<Stage>,
    dice: Dice,
    way: Way,
    client: IcwsClient,
    events: Option<EventStream>,
    /// He has a stream opened again whenever there is time.
    listens: bool,
    /// Server and name, while he believes that he is signed in.
    place: Option<(String, String)>,
    done: [usize; 6],
}

impl User {
    fn new(stage: &Arc<Stage>, number: usize, dice: Dice) -> Self {
        let way = if number.is_multiple_of(2) {
            Way::Plain
        } else {
            Way::Http2
        };
        User {
            stage: Arc::clone(stage),
            dice,
            way,
            client: stage.client(way, HOST, "/us/{host}"),
            events: None,
            listens: number.is_multiple_of(3),
            place: None,
            done: [0; 6],
        }
    }

    /// Closes the window: connections, streams and the session are left to themselves.
    fn vanish(&mut self) {
        self.events = None;
        self.client = self.stage.client(self.way, HOST, "/us/{host}");
        self.place = None;
    }

    /// Waits for what he does, or not for long.
    fn patience(&mut self) -> Duration {
        match self.dice.percent(25) {
            true => Duration::from_micros(self.dice.below(4000)),
            false => SOON,
        }
    }

    async fn step(&mut self) {
        let patience = self.patience();
        let Some((server, _)) = self.place.clone() else {
            let server = SERVERS[self.dice.below(2) as usize];
            let number = 1 + self.dice.below(9);
            let (name, secret) = (format!("agent{number}"), format!("secret{number}"));
            match timeout(patience, self.client.login(server, &name, &secret)).await {
                Ok(Ok(_)) => {
                    self.place = Some((server.to_owned(), name));
                    self.done[0] += 1;
                }
                _ => self.vanish(),
            }
            return;
        };
        match self.dice.below(10) {
            0..=4 => match timeout(patience, self.client.call("GET", "connection", None)).await {
                Ok(Ok(answer)) if answer.status == 200 => self.done[1] += 1,
                Ok(Ok(answer)) if answer.status == 401 => self.vanish(),
                _ => {}
            },
            5 | 6 => match timeout(patience, self.client.events()).await {
                Ok(Ok(events)) => {
                    self.events = Some(events);
                    self.done[2] += 1;
                }
                _ => self.events = None,
            },
            7 => {
                self.events = None;
                let logout = timeout(patience, self.client.logout()).await;
                self.done[3] += usize::from(matches!(logout, Ok(Ok(()))));
                self.vanish();
            }
            8 => {
                self.vanish();
                self.done[4] += 1;
            }
            _ => {
                let id = self.client.session_id().unwrap_or_default().to_owned();
                if self.stage.server(&server).end_session(&id) {
                    self.done[5] += 1;
                }
            }
        }
    }

    /// What an open page does while nobody touches it.
    async fn keep_alive(&mut self) {
        if self.place.is_none() {
            return;
        }
        match timeout(SOON, self.client.call("GET", "connection", None)).await {
            Ok(Ok(answer)) if answer.status == 200 => {}
            Ok(Ok(answer)) if answer.status == 401 => self.vanish(),
            other => drop(other),
        }
        if self.listens && self.place.is_some() && self.events.is_none() {
            let opened = timeout(SOON, self.client.events()).await;
            self.events = opened.ok().and_then(Result::ok);
        }
    }
}

/// Server, name and whether a stream is open, of every session.
type Place = (String, String, bool);

fn truth(stage: &Stage) -> Vec<Place> {
    let sessions = SERVERS.iter().flat_map(|name| {
        let sessions = stage.server(name).sessions();
        sessions.into_iter().map(|session| {
            let live = session.mailbox().open_streams() > 0;
            ((*name).to_owned(), session.user.clone(), live)
        })
    });
    let mut all: Vec<Place> = sessions.collect();
    all.sort();
    all
}

async fn listed(stage: &Stage) -> Vec<Place> {
    let users = users(&stage.edge).await;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let place = |user: &serde_json::Value| {
        (
            text(&user["server"]),
            text(&user["user"]),
            user["live"] == true,
        )
    };
    let mut all: Vec<Place> = users.iter().map(place).collect();
    all.sort();
    all
}

async fn all_do(users: Vec<User>, phase: Option<&Stage>) -> Vec<User> {
    let mut tasks = JoinSet::new();
    let storms = phase.is_some();
    for mut user in users {
        tasks.spawn(async move {
            match storms {
                true => {
                    for _ in 0..STEPS {
                        user.step().await;
                    }
                }
                false => user.keep_alive().await,
            }
            user
        });
    }
    let mut back = Vec::new();
    while let Some(user) = tasks.join_next().await {
        back.push(user.unwrap());
        if let Some(stage) = phase
            && back.len() % 10 == 5
        {
            // Every connection to a server breaks, answers in the middle too.
            stage
                .server(SERVERS[back.len() % 2])
                .wire()
                .reset_connections();
        }
    }
    back
}

/// Open pages go on asking, and servers forget whom nobody asks for, until both sides say the same.
async fn quiet(stage: &Stage, mut users: Vec<User>, when: &str) -> Vec<User> {
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        users = all_do(users, None).await;
        let signed_in = users.iter().filter(|user| user.place.is_some());
        let ids = signed_in.filter_map(|user| user.client.session_id());
        let held: Vec<String> = ids.map(str::to_owned).collect();
        for name in SERVERS {
            let server = stage.server(name);
            for session in server.sessions() {
                if !held.contains(&session.id) {
                    server.end_session(&session.id);
                }
            }
        }
        let (truth, listed) = (truth(stage), listed(stage).await);
        if truth == listed {
            return users;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{when}:\nthe servers have  {truth:?}\nthe gateway lists {listed:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_storm_the_list_is_what_the_servers_have() {
    let seed = std::env::var("PORTCULLIS_STORM_SEED").ok();
    let seed = seed.map_or(1, |seed| seed.parse().expect("a number"));
    println!("PORTCULLIS_STORM_SEED={seed}");
    let stage = Arc::new(Stage::start().await);
    stage.edge.reload(&short("2s", &stage.yaml)).await.unwrap();
    let mut dice = Dice::new(seed);
    let mut all: Vec<User> = (0..USERS)
        .map(|number| User::new(&stage, number, dice.split()))
        .collect();
    for phase in 0..PHASES {
        all = all_do(all, Some(&stage)).await;
        all = quiet(&stage, all, &format!("after phase {phase}")).await;
        let truth = truth(&stage);
        let live = truth.iter().filter(|(.., live)| *live).count();
        println!("phase {phase}: {} users, {live} with a stream", truth.len());
        assert!(
            live > 0 && live < truth.len(),
            "too little is left to be compared"
        );
        // A reload in the middle of it changes nothing.
        stage
            .edge
            .reload(&short(
                "2s",
                &format!("log: {{ level: warn }}\n{}", stage.yaml),
            ))
            .await
            .unwrap();
        stage.edge.reload(&short("2s", &stage.yaml)).await.unwrap();
    }
    let mut done = [0; 6];
    for (number, user) in all.iter_mut().enumerate() {
        for (sum, times) in done.iter_mut().zip(user.done) {
            *sum += times;
        }
        // Half of them close the window without a word.
        if number % 2 == 0 {
            user.events = None;
            let _ = timeout(SOON, user.client.logout()).await;
        }
        user.vanish();
    }
    until_listed(&stage.edge, "the last one is gone", |users| {
        users.is_empty()
    })
    .await;
    println!("sign-ins, calls, streams, sign-outs, windows closed, sessions ended: {done:?}");
    assert!(done.iter().all(|times| *times > 0), "{done:?}");
}
