//! The simulated pair, the gateway's counts of it, the pages, and the answers that the gateway has not processed yet.

use std::time::Instant;

use loadtest::webtools::{Answer, Node, Operation, Site, Visit};
use serde_json::{Value, json};

use super::page::{Page, Wish, Word};
use super::*;

/// What the gateway has still to do about an answer.
enum Late {
    Started(Slot, Page),
    Failed(Slot),
    Gone(Slot),
    Rejoined(Page, Now),
    Told(Node, String, Word),
}

pub(super) struct World {
    site: Site,
    began: Instant,
    elapsed: Duration,
    active: Node,
    interactions: Interactions,
    pair: Arc<Pair>,
    rules: Rules,
    servers: [Arc<str>; 2],
    pages: Vec<Page>,
    late: Vec<(Duration, Late)>,
    /// Chats and callbacks without a page, until an agent ends them.
    orphans: Vec<(Duration, Kind, String)>,
    /// Whether visitors abort requests and close pages, and agents end chats.
    rude: bool,
    random: u64,
    pub(super) starts: usize,
    pub(super) refused: usize,
}

const VISITORS: u8 = 12;

impl World {
    pub(super) fn new(seed: u64, rude: bool) -> Self {
        let mut site = Site::default();
        for name in [
            "InteractionsAllowedUnitTime",
            "ChatsAllowedUnitTime",
            "CallbacksAllowedUnitTime",
        ] {
            site.parameters.set(name, "0").unwrap();
        }
        let mut rules = calm();
        rules.silence.callback = Duration::from_secs(900);
        if !rude {
            // Nobody is so slow that the server or the gateway gives up on him.
            let ever = Duration::from_secs(1_000_000);
            site.parameters.poll_silence = ever;
            (rules.silence.chat, rules.silence.callback) = (ever, ever);
        }
        let interactions = Interactions::new();
        Self {
            site,
            began: Instant::now(),
            elapsed: Duration::from_secs(1),
            active: Node::A,
            pair: interactions.pair("cic"),
            interactions,
            rules,
            servers: ["cic-a".into(), "cic-b".into()],
            pages: Vec::new(),
            late: Vec::new(),
            orphans: Vec::new(),
            rude,
            random: seed,
            starts: 0,
            refused: 0,
        }
    }

    /// One request or one other thing happens, and a little time passes.
    pub(super) fn step(&mut self) {
        match self.below(100) {
            0..=24 => self.start(),
            25..=58 => self.with_page(|world, at| world.ask(at, Wish::Poll)),
            59..=65 => self.with_page(|world, at| world.ask(at, Wish::Touch)),
            66..=76 => self.with_page(|world, at| world.ask(at, Wish::Exit)),
            77..=94 => self.with_page(Self::reconnect),
            95 => self.active = other(self.active),
            96 if self.rude => self.with_page(Self::close),
            97 if self.rude => self.with_page(Self::end_inside),
            _ => {}
        }
        // Now and then long enough for the server to give up on silent pages.
        let pause = if self.below(400) == 0 {
            30_000
        } else {
            self.below(100)
        };
        self.pass(Duration::from_millis(pause));
    }

    /// Time passes: what is due is processed by the gateway, in an order of its own.
    fn pass(&mut self, time: Duration) {
        self.elapsed += time;
        let at = self.elapsed;
        let all = std::mem::take(&mut self.late).into_iter();
        let (mut due, waiting): (Vec<_>, _) = all.partition(|(then, _)| *then <= at);
        self.late = waiting;
        due.sort_by_key(|(then, _)| *then);
        for (_, late) in due {
            self.process(late);
        }
        for (then, kind, id) in std::mem::take(&mut self.orphans) {
            if then <= at {
                self.end(kind, &id);
            } else {
                self.orphans.push((then, kind, id));
            }
        }
        if self.below(20) == 0 {
            self.pair.sweep(self.rules.silence, self.now());
        }
    }

    fn process(&mut self, late: Late) {
        let now = self.now();
        let server = |node: Node| &self.servers[usize::from(node == Node::B)];
        match late {
            Late::Started(slot, page) => {
                slot.started(server(page.node), &page.id, &page.participant, now);
            }
            Late::Failed(slot) => slot.failed(),
            Late::Gone(slot) => drop(slot),
            Late::Rejoined(page, asked) => {
                let rejoin = Rejoin {
                    kind: page.kind,
                    server: server(page.node),
                    id: &page.id,
                    participant: &page.participant,
                    address: address(page.visitor),
                    vouched: true,
                    asked,
                };
                self.pair.reconnected(&rejoin, now);
            }
            Late::Told(node, participant, word) => drop(match word {
                Word::Lives => self.pair.seen(server(node), &participant, now),
                Word::Left => self.pair.ended(&participant, now),
                Word::UnknownSession => self.pair.unknown_session(server(node), &participant, now),
                Word::Nothing => false,
            }),
        }
    }

    fn start(&mut self) {
        let kind = if self.below(3) == 0 {
            Kind::Callback
        } else {
            Kind::Chat
        };
        let visitor = self.below(u64::from(VISITORS)) as u8;
        let Ok(reserved) = self
            .pair
            .reserve(ask(kind, visitor), &self.rules, self.now())
        else {
            self.refused += 1;
            return;
        };
        let mut slot = reserved.slot;
        // A tenth asks for what is not there.
        let target = if self.below(10) == 0 {
            "Nowhere"
        } else {
            "Sales"
        };
        let participant = json!({"name": "Wally", "telephone": "555"});
        let body = json!({"participant": participant, "target": target, "targetType": "Workgroup"});
        let operation = match kind {
            Kind::Chat => Operation::Start,
            Kind::Callback => Operation::CreateCallback,
        };
        slot.sent();
        let answer = self.perform(self.active, visitor, &operation, &body);
        let page = Page::begin(kind, visitor, self.active, &answer);
        assert!(
            !matches!(answer, Answer::Refused(_)),
            "the gateway had room, the server had none"
        );
        let aborted = self.rude && self.below(12) == 0;
        match page {
            None => self.later(Late::Failed(slot)),
            Some(page) if aborted => {
                self.orphan(page.kind, page.id.clone());
                // Half the time the gateway reads on although its visitor has gone.
                let is_read = self.below(2) == 0;
                self.later(if is_read {
                    Late::Started(slot, page)
                } else {
                    Late::Gone(slot)
                });
            }
            Some(page) => {
                self.starts += 1;
                let told = Page {
                    id: page.id.clone(),
                    participant: page.participant.clone(),
                    ..page
                };
                self.pages.push(page);
                self.later(Late::Started(slot, told));
            }
        }
    }

    /// A page asks about its chat at its server; where that is dead, nothing comes back and it may ask the other one by mistake.
    fn ask(&mut self, at: usize, wish: Wish) {
        let page = &self.pages[at];
        let (operation, participant, visitor) =
            (page.operation(wish), page.participant.clone(), page.visitor);
        let node = if page.node == self.active {
            page.node
        } else {
            self.active
        };
        let answer = self.perform(node, visitor, &operation, &json!({"typingIndicator": true}));
        let word = Word::read(wish, &participant, &answer);
        if self.rude && self.below(8) == 0 {
            // The visitor gave up and the gateway with it. What the server did stays done.
            if wish == Wish::Exit {
                self.close(at);
            }
            return;
        }
        if matches!(word, Word::Left | Word::UnknownSession) {
            self.pages.swap_remove(at);
        }
        self.later(Late::Told(node, participant, word));
    }

    /// A page rejoins on the active server, as after a failed poll.
    fn reconnect(&mut self, at: usize) {
        let (asked, node) = (self.now(), self.active);
        let (kind, visitor, id) = {
            let page = &self.pages[at];
            (page.kind, page.visitor, page.id.clone())
        };
        let (operation, name) = match kind {
            Kind::Chat => (Operation::Reconnect, "chatID"),
            Kind::Callback => (Operation::ReconnectCallback, "callbackID"),
        };
        // From another address, as after a change of networks: the owner stays.
        let from = if self.below(4) == 0 {
            (visitor + 1) % VISITORS
        } else {
            visitor
        };
        let answer = self.perform(node, from, &operation, &json!({ name: id }));
        let Some(page) = Page::begin(kind, from, node, &answer) else {
            // It says that a new chat has to be started.
            self.pages.swap_remove(at);
            return;
        };
        let learns = !self.rude || self.below(6) != 0;
        if learns {
            self.pages[at].node = node;
            self.pages[at].participant.clone_from(&page.participant);
        }
        if learns || self.below(2) == 0 {
            self.later(Late::Rejoined(page, asked));
        }
    }

    /// The page is closed without a word.
    fn close(&mut self, at: usize) {
        let page = self.pages.swap_remove(at);
        self.orphan(page.kind, page.id);
    }

    fn end_inside(&mut self, at: usize) {
        let (kind, id) = (self.pages[at].kind, self.pages[at].id.clone());
        self.end(kind, &id);
    }

    fn end(&mut self, kind: Kind, id: &str) {
        match kind {
            Kind::Chat => self.site.end_chat(id),
            Kind::Callback => self.site.end_callback(id),
        };
    }

    /// Chats without a page are ended by the server; a callback waits for its agent.
    fn orphan(&mut self, kind: Kind, id: String) {
        if kind == Kind::Callback {
            let taken = self.elapsed + Duration::from_secs(self.below(200));
            self.orphans.push((taken, kind, id));
        }
    }

    pub(super) fn all_answers_come_in(&mut self) {
        self.pass(Duration::from_secs(16));
    }

    /// Pages that are left find their server and go on for longer than any silence; nothing else happens.
    pub(super) fn calm_down(&mut self) {
        self.all_answers_come_in();
        self.rude = false;
        for at in (0..self.pages.len()).rev() {
            self.reconnect(at);
        }
        self.all_answers_come_in();
        for _ in 0..50 {
            for at in (0..self.pages.len()).rev() {
                self.ask(at, Wish::Poll);
            }
            self.pass(Duration::from_secs(20));
        }
        self.pair.sweep(self.rules.silence, self.now());
    }

    pub(super) fn everybody_leaves(&mut self) {
        for at in (0..self.pages.len()).rev() {
            self.ask(at, Wish::Exit);
        }
        self.all_answers_come_in();
        assert!(self.pages.is_empty());
    }

    pub(super) fn counts_at_least_what_is_there(&mut self) {
        let truth = self.site.truth(self.began + self.elapsed);
        for visitor in 0..VISITORS {
            let (ours, theirs) = (self.pair.of(address(visitor)), truth.of(&name(visitor)));
            assert!(ours as usize >= theirs, "{ours} counted, {theirs} there");
        }
        assert!(self.pair.is_sound());
    }

    /// Returns how many that is.
    pub(super) fn counts_exactly_what_is_there(&mut self) -> usize {
        self.pair.sweep(self.rules.silence, self.now());
        let truth = self.site.truth(self.began + self.elapsed);
        let [chats, callbacks] = [truth.chats(), truth.callbacks()];
        let expected = Counts {
            chats: u32::try_from(chats).unwrap(),
            callbacks: u32::try_from(callbacks).unwrap(),
            ..Counts::default()
        };
        assert_eq!(self.pair.counts(), expected);
        for visitor in 0..VISITORS {
            assert_eq!(
                self.pair.of(address(visitor)) as usize,
                truth.of(&name(visitor))
            );
        }
        let totals = Kind::ALL.map(|kind| self.interactions.total(kind) as usize);
        assert_eq!(totals, [chats, callbacks]);
        assert!(self.pair.is_sound());
        chats + callbacks
    }

    fn perform(&mut self, node: Node, visitor: u8, operation: &Operation, body: &Value) -> Answer {
        let visitor = name(visitor);
        let visit = Visit {
            node,
            visitor: &visitor,
            now: self.began + self.elapsed,
        };
        self.site.perform(&visit, operation, body)
    }

    /// Something within fifteen seconds, or at once.
    fn later(&mut self, late: Late) {
        let delay = if self.below(3) == 0 {
            0
        } else {
            self.below(15_000)
        };
        self.late
            .push((self.elapsed + Duration::from_millis(delay), late));
    }

    fn with_page(&mut self, act: impl FnOnce(&mut Self, usize)) {
        if !self.pages.is_empty() {
            let at = self.below(self.pages.len() as u64) as usize;
            act(self, at);
        }
    }

    fn now(&self) -> Now {
        Now(0).after(self.elapsed)
    }

    /// SplitMix64: the same storm from the same seed.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn name(visitor: u8) -> String {
    format!("192.0.2.{visitor}")
}

fn other(node: Node) -> Node {
    match node {
        Node::A => Node::B,
        Node::B => Node::A,
    }
}
