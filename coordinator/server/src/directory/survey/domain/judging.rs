//! Who is to be judged, when, and on which thread.

use super::{Domain, SEEN_EVERY};
use sendgate_core::coverage::reading::DomainReading;
use sendgate_core::coverage::{Look, Touched, look};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// How long servers that were asked at the same time are waited for, so that the users are judged once for all of them.
const TOGETHER: Duration = Duration::from_millis(300);

/// From this many users on judging gets a thread of its own, so that it holds up nobody.
const MANY: usize = 2_000;

impl Domain {
    pub(super) fn touch(&mut self, touched: Touched) {
        self.touch_by(touched, Instant::now());
    }

    /// Everybody, but not before the other servers that are being read have had a little time.
    pub(super) fn touch_soon(&mut self) {
        let alone = self.run.as_ref().is_none_or(|running| running.waiting.len() <= 1);
        self.touch_by(Touched::All, Instant::now() + if alone { Duration::ZERO } else { TOGETHER });
    }

    fn touch_by(&mut self, touched: Touched, at: Instant) {
        self.dirty = Some(match self.dirty.take() {
            None => (touched, at),
            Some((known, before)) => (known.and(touched), before.min(at)),
        });
    }

    pub(super) fn refresh(&mut self) {
        if self.dirty.is_none() && !self.first && self.told.elapsed() >= SEEN_EVERY {
            self.touch(Touched::Names(BTreeSet::new()));
        }
    }

    /// Whether servers are still awaited: the first look is at what every server says, or why it says nothing.
    pub(super) fn awaits(&self) -> bool {
        self.servers.values().any(|server| server.pending)
    }

    /// Judges who is to be judged and passes it on, when that is due. False when nobody takes it any more.
    pub(super) async fn judge(&mut self) -> bool {
        let due = self.dirty.as_ref().is_some_and(|(_, at)| *at <= Instant::now())
            || self.run.as_ref().is_some_and(|running| running.waiting.is_empty() && self.dirty.is_some());
        if !due || self.awaits() {
            return true;
        }
        self.judge_now().await
    }

    /// The same at once. Servers that are still awaited have not been read yet by it.
    pub(super) async fn judge_now(&mut self) -> bool {
        self.unjudged.clear();
        if self.first && self.asked.borrow().wanted.is_idle() && self.run.is_none() {
            self.dirty = None;
        }
        let Some((mut touched, _)) = self.dirty.take() else { return true };
        if self.first {
            touched = Touched::All;
        }
        let Some(look) = self.judged(touched).await else { return false };
        self.pass_on(look).await
    }

    pub(super) async fn pass_on(&mut self, look: Look) -> bool {
        (self.first, self.told) = (false, Instant::now());
        (self.looks)(look).await
    }

    /// Judges, here or on a thread of its own. None if that broke off.
    pub(super) async fn judged(&mut self, touched: Touched) -> Option<Look> {
        let wanted = self.asked.borrow().wanted.clone();
        let few = match &touched {
            Touched::All => self.reading.asked.len() < MANY,
            Touched::Names(names) => names.len() < MANY,
        };
        if few {
            return Some(look(&self.reading, &wanted.setting, &touched));
        }
        let nothing = DomainReading {
            domain: self.reading.domain.clone(),
            started: self.reading.started,
            asked: BTreeSet::new(),
            servers: BTreeMap::new(),
        };
        let reading = std::mem::replace(&mut self.reading, nothing);
        let judged = tokio::task::spawn_blocking(move || {
            let look = look(&reading, &wanted.setting, &touched);
            (reading, look)
        });
        match judged.await {
            Ok((reading, look)) => {
                self.reading = reading;
                Some(look)
            }
            Err(error) => {
                // Without its reading the survey is over; the gate notices by the age of the evidence.
                tracing::error!(%error, domain = %self.reading.domain, "judging broke off: the survey ends");
                None
            }
        }
    }

    /// Ends a run once every server is through and judged: whoever looks on sees the end after the look was passed on.
    pub(super) fn finish(&mut self) {
        if self.dirty.is_none() && self.run.as_ref().is_some_and(|running| running.waiting.is_empty()) {
            self.run = None;
        }
    }
}
