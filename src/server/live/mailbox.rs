//! What waits for one connection. It never holds more than so much, whatever the connection does: presence goes first,
//! then everything, and the room is asked for a fresh start.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::Notify;

/// Messages that may wait.
const MOST: usize = 256;
/// Bytes that may wait behind the first message; the text is shared by all who get it.
const MOST_BYTES: usize = 1 << 20;
/// Presence is not even begun while so many other messages wait.
const BUSY: usize = 16;

/// What the connection is to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Send these, in order.
    Send(Vec<Utf8Bytes>),
    /// Ask the room for a welcome: messages were dropped.
    Resync,
    /// Ask the room for everybody's presence: some was dropped.
    Presence,
    /// The room has closed the connection.
    Close,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<Utf8Bytes>,
    bytes: usize,
    presence: Option<Utf8Bytes>,
    /// Messages were dropped: only a welcome helps.
    lost: bool,
    /// The welcome has been asked for.
    asked: bool,
    /// Presence was dropped.
    lost_presence: bool,
    closed: bool,
}

#[derive(Debug, Default)]
pub struct Mailbox {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

impl Mailbox {
    fn change<T>(&self, act: impl FnOnce(&mut Waiting) -> T) -> T {
        let outcome = act(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
        outcome
    }

    /// A message that keeps its place.
    pub fn push(&self, text: Utf8Bytes) {
        self.change(|waiting| {
            if waiting.lost || waiting.closed {
                return;
            }
            let is_full = waiting.messages.len() >= MOST || (waiting.bytes > 0 && waiting.bytes + text.len() > MOST_BYTES);
            if is_full {
                *waiting = Waiting { lost: true, ..Waiting::default() };
            } else {
                waiting.bytes += text.len();
                waiting.messages.push_back(text);
            }
        });
    }

    /// A welcome: whatever was dropped before is in it.
    pub fn renew(&self, text: Utf8Bytes) {
        self.change(|waiting| {
            (waiting.lost, waiting.asked) = (false, false);
            waiting.bytes += text.len();
            waiting.messages.push_back(text);
        });
    }

    /// What people are doing; dropped while the connection is behind.
    pub fn push_presence(&self, text: Utf8Bytes) {
        self.change(|waiting| {
            if waiting.presence.is_some() || waiting.lost || waiting.messages.len() > BUSY {
                waiting.lost_presence = true;
            } else {
                waiting.presence = Some(text);
            }
        });
    }

    /// Sends what waits, then this, and nothing after it. It arrives also where messages were dropped.
    pub fn finish(&self, goodbye: Utf8Bytes) {
        self.change(|waiting| {
            if !waiting.closed {
                waiting.messages.push_back(goodbye);
                waiting.closed = true;
            }
        });
    }

    /// Sends what waits and nothing after it.
    pub fn close(&self) {
        self.change(|waiting| waiting.closed = true);
    }

    /// Waits until there is something to do. It may be cancelled without loss.
    pub async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            self.changed.notified().await;
        }
    }

    fn take(&self) -> Option<Next> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.messages.is_empty() || waiting.presence.is_some() {
            waiting.bytes = 0;
            let presence = waiting.presence.take();
            return Some(Next::Send(std::mem::take(&mut waiting.messages).into_iter().chain(presence).collect()));
        }
        if waiting.closed {
            return Some(Next::Close);
        }
        if waiting.lost {
            waiting.lost_presence = false;
            return (!std::mem::replace(&mut waiting.asked, true)).then_some(Next::Resync);
        }
        std::mem::take(&mut waiting.lost_presence).then_some(Next::Presence)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn now(mailbox: &Mailbox) -> Option<Next> {
        mailbox.next().now_or_never()
    }

    fn send(texts: &[&'static str]) -> Option<Next> {
        Some(Next::Send(texts.iter().map(|text| Utf8Bytes::from_static(text)).collect()))
    }

    #[test]
    fn keeps_the_order_and_presence_comes_last() {
        let mailbox = Mailbox::default();
        assert_eq!(now(&mailbox), None);
        mailbox.push("a".into());
        mailbox.push_presence("p".into());
        mailbox.push("b".into());
        assert_eq!(now(&mailbox), send(&["a", "b", "p"]));
        mailbox.push("c".into());
        mailbox.close();
        mailbox.push("d".into());
        assert_eq!(now(&mailbox), send(&["c"]));
        assert_eq!(now(&mailbox), Some(Next::Close));
    }

    #[test]
    fn dropped_presence_is_asked_for_again() {
        let mailbox = Mailbox::default();
        mailbox.push_presence("p".into());
        mailbox.push_presence("q".into());
        assert_eq!(now(&mailbox), send(&["p"]));
        assert_eq!(now(&mailbox), Some(Next::Presence));
        assert_eq!(now(&mailbox), None);
        for _ in 0..=BUSY {
            mailbox.push("a".into());
        }
        mailbox.push_presence("r".into());
        assert!(matches!(now(&mailbox), Some(Next::Send(texts)) if texts.len() == BUSY + 1));
        assert_eq!(now(&mailbox), Some(Next::Presence));
    }

    #[test]
    fn holds_no_more_than_its_limits_and_starts_again_with_a_welcome() {
        let long = Utf8Bytes::from("x".repeat(MOST_BYTES / 2 + 1));
        for (text, fit) in [(Utf8Bytes::from("a"), MOST), (long, 1)] {
            let mailbox = Mailbox::default();
            for _ in 0..=fit {
                mailbox.push(text.clone());
            }
            mailbox.push("later".into());
            assert_eq!(now(&mailbox), Some(Next::Resync));
            mailbox.push("still lost".into());
            assert_eq!(now(&mailbox), None, "asked once");
            mailbox.renew("welcome".into());
            mailbox.push("then".into());
            assert_eq!(now(&mailbox), send(&["welcome", "then"]));
            assert_eq!(now(&mailbox), None);
        }
    }

    #[test]
    fn a_goodbye_is_the_last_word_and_always_arrives() {
        let mailbox = Mailbox::default();
        for _ in 0..=MOST {
            mailbox.push("a".into());
        }
        mailbox.finish("goodbye".into());
        mailbox.push("b".into());
        mailbox.finish("again".into());
        assert_eq!(now(&mailbox), send(&["goodbye"]));
        assert_eq!(now(&mailbox), Some(Next::Close));
    }

    #[test]
    fn what_is_too_long_for_all_others_still_goes_alone() {
        let mailbox = Mailbox::default();
        mailbox.push("x".repeat(2 * MOST_BYTES).into());
        assert!(matches!(now(&mailbox), Some(Next::Send(texts)) if texts.len() == 1));
    }
}
