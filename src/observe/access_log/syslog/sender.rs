//! The thread that sends. A receiver that is gone or stuck makes it try again, and nobody else wait.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use super::Receiver;
use super::backlog::{Backlog, Messages};
use super::connection::Connection;
use super::outage::Outage;
use crate::observe::access_log::queue::{Queue, Switch, Work};

type Lines = Queue<Arc<Receiver>>;

/// Sends until the log is closed.
pub(super) fn run(queue: &Lines) {
    let mut sender = Sender::default();
    loop {
        let (stuck, emptied) = (!sender.backlog.is_empty(), sender.backlog.emptied());
        let work = queue.next(stuck, emptied);
        let closed = work.closed;
        sender.work(work, queue);
        if closed {
            sender.disconnect();
            return queue.ended();
        }
    }
}

#[derive(Default)]
struct Sender {
    to: Option<(Arc<Receiver>, Messages)>,
    connection: Option<Connection>,
    backlog: Backlog,
    outage: Outage,
}

impl Sender {
    fn work(&mut self, work: Work<Arc<Receiver>>, queue: &Lines) {
        self.outage.lost(work.dropped);
        for Switch { lines, to } in work.switches {
            self.add(lines, queue);
            self.switch(to, queue);
        }
        self.add(work.lines, queue);
        let due = work.hurried || work.closed || self.outage.may_try();
        if due && !self.backlog.is_empty() {
            let sent = self.send();
            self.judge(sent);
        }
        if work.closed {
            self.give_up(queue);
        }
        self.outage.tell();
    }

    fn add(&mut self, lines: Vec<u8>, queue: &Lines) {
        let lost = self.backlog.add(lines);
        self.outage.lost(lost);
        queue.lost(lost);
    }

    /// What the old receiver does not take at this last try goes to the new one.
    fn switch(&mut self, to: Option<Arc<Receiver>>, queue: &Lines) {
        if !self.outage.is_on() && !self.backlog.is_empty() {
            let _ = self.send();
        }
        self.disconnect();
        self.outage.forget();
        self.to = to.map(|receiver| {
            let messages = Messages::to(&receiver);
            (receiver, messages)
        });
        match &self.to {
            None => self.give_up(queue),
            // That it is not there shall be known before the first line.
            Some(_) if self.backlog.is_empty() => {
                if let Err(error) = self.connect() {
                    self.judge(Err(error));
                }
            }
            Some(_) => {}
        }
    }

    fn connect(&mut self) -> io::Result<()> {
        if let Some((receiver, _)) = &self.to {
            self.connection = Some(Connection::to(receiver, self.outage.is_on())?);
        }
        Ok(())
    }

    fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take()
            && self.backlog.is_between_messages()
        {
            connection.close();
        }
        self.backlog.put_back();
    }

    /// Sends what waits.
    fn send(&mut self) -> io::Result<()> {
        if self.connection.as_mut().is_some_and(|open| !open.is_open()) {
            self.disconnect();
        }
        if self.connection.is_none() {
            self.connect()?;
        }
        let (Some((_, messages)), Some(connection)) = (&mut self.to, &mut self.connection) else {
            return Ok(());
        };
        while self.backlog.fill(messages) {
            if let Err(error) = connection.send(&mut self.backlog.piece) {
                // One that is stuck may take the rest of this very piece later.
                if error.kind() != ErrorKind::WouldBlock {
                    self.disconnect();
                }
                return Err(error);
            }
        }
        // What it has said is taken: a socket that is closed with something unread loses what it has still to send.
        connection.is_open();
        Ok(())
    }

    fn judge(&mut self, result: io::Result<()>) {
        let Some((receiver, _)) = &self.to else {
            return;
        };
        match result {
            Ok(()) => self.outage.is_over(&receiver.url),
            Err(error) => self.outage.failed(&receiver.url, &error),
        }
    }

    fn give_up(&mut self, queue: &Lines) {
        let lost = self.backlog.give_up();
        self.outage.lost(lost);
        queue.lost(lost);
    }
}
