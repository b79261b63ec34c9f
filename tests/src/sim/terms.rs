//! What the one rollout's file says, drawn from the seed: its waves, what follows a trip, when hosts may be changed, who has
//! to approve it, and whether sending is tested. [`Hours`] is its windows by arithmetic of its own, for those who judge.

use super::absences;
use super::allowed::Thresholds;
use super::chance::Chance;
use super::estate::{EXCHANGE, PACKAGE_SHA256, TARGET};
use super::lives::ROLLOUT;
use crate::rollout_file::RolloutFile;
use sendgate_core::ledger::Sha256;
use std::fmt::Write;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is expected to take how long, where there are windows: all of it fits into the shortest one.
pub(super) const INSTALL: Duration = Duration::from_secs(10 * 60);
pub(super) const RESTART: Duration = MINUTE;
pub(super) const REMOVAL: Duration = Duration::from_secs(10 * 60);

/// How long nothing may move where the file does not say it.
const PATIENCE: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// Zones with their offsets from UTC in minutes, in the first days of March 2007.
const ZONES: [(&str, i64); 4] =
    [("UTC", 0), ("Europe/Berlin", 60), ("W. Europe Standard Time", 60), ("America/New_York", -5 * 60)];

/// The rollout's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    /// Every server in one wave, or each in one of its own.
    pub(super) one_wave: bool,
    /// A trip has the hotfix removed again.
    removes: bool,
    /// When hosts may be changed; none: at any time.
    pub(super) hours: Option<Hours>,
    /// How many people other than its author have to approve it.
    pub(super) approvals: usize,
    /// Each GoodLink server sends through the changed servers before a wave is over.
    pub(super) test_send: bool,
    /// How many hosts of a wave go at once; none: as many as the estate's limit allows.
    pub(super) at_once: Option<u32>,
    /// How long nothing may move, where the file says so.
    patience: Option<Duration>,
    /// What may go wrong before it stops by itself.
    pub(super) thresholds: Thresholds,
}

/// Windows of one length that come again and again, all around the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hours {
    /// From the beginning of one to the beginning of the next; a day is so many of them.
    every: Duration,
    /// When the first one opens after the simulation has begun.
    first: Duration,
    length: Duration,
    cutoff: Duration,
    zone: (&'static str, i64),
}

impl Hours {
    fn draw(chance: &mut Chance) -> Self {
        let hours = if chance.percent(50) { 2 } else { 3 };
        let minutes = |number: u64| Duration::from_secs(60 * number);
        let cutoff = chance.below(11);
        // In half of them there is hardly a moment at which the last of three hosts may be begun.
        let length =
            if chance.percent(50) { 57 + cutoff + chance.below(15) } else { 70 + chance.below(hours * 60 - 80) };
        Self {
            every: minutes(hours * 60),
            first: minutes(chance.below(hours * 60)),
            length: minutes(length),
            cutoff: minutes(cutoff),
            zone: chance.pick(&ZONES).copied().unwrap_or(("UTC", 0)),
        }
    }

    /// How long the last one has been open or over: the wall clock counts in milliseconds.
    fn into(&self, now: Duration) -> Duration {
        let passed = (now + self.every - self.first).as_millis() % self.every.as_millis();
        Duration::from_millis(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// What is left until everything has to be done; none while none is open.
    pub(super) fn left(&self, now: Duration) -> Option<Duration> {
        let into = self.into(now);
        (into < self.length).then(|| (self.length - self.cutoff).saturating_sub(into))
    }

    /// Whether one was open now or up to so long ago.
    pub(super) fn open_within(&self, now: Duration, ago: Duration) -> bool {
        self.into(now) < self.length + ago
    }

    fn text(&self) -> String {
        let (mut text, of_day) = (String::new(), DAY.as_secs() / self.every.as_secs());
        let minutes = |time: Duration| time.as_secs() / 60;
        for number in 0..of_day {
            let utc = minutes(self.first) + number * minutes(self.every);
            let local = (i64::try_from(utc).unwrap_or(0) + self.zone.1).rem_euclid(24 * 60);
            // It began days ago, wherever on earth.
            let _ = writeln!(
                text,
                "[[window]]\nname = \"w{number}\"\nrule = \"FREQ=DAILY\"\nstart = \"2007-02-26T{:02}:{:02}\"\n\
                 length = \"{}m\"\ncutoff = \"{}m\"\nzone = {:?}",
                local / 60,
                local % 60,
                minutes(self.length),
                minutes(self.cutoff),
                self.zone.0,
            );
        }
        let _ = writeln!(
            text,
            "[expected]\ninstall = \"{}m\"\nrestart = \"{}m\"\nremoval = \"{}m\"",
            minutes(INSTALL),
            minutes(RESTART),
            minutes(REMOVAL)
        );
        text
    }
}

impl Terms {
    pub(super) fn draw(seed: u64, chance: &mut Chance) -> Self {
        let hours = chance.percent(25).then(|| Hours::draw(chance));
        let approvals = if chance.percent(30) { 1 + usize::from(chance.percent(40)) } else { 0 };
        let every = hours.as_ref().map_or(Duration::ZERO, |hours| hours.every);
        Self {
            at_once: None,
            patience: absences::patience(seed, every),
            one_wave: chance.percent(50),
            removes: chance.percent(30),
            hours,
            approvals,
            test_send: chance.percent(35),
            thresholds: Thresholds::draw(seed),
        }
    }

    /// How long nothing may move.
    pub(super) fn patience(&self) -> Duration {
        self.patience.unwrap_or(PATIENCE)
    }

    /// Whether it asks for a removal after a trip.
    pub(super) fn removes(&self) -> bool {
        self.removes
    }

    /// The servers of a wave.
    pub(super) fn wave(&self, number: u32) -> Vec<&'static str> {
        let servers = EXCHANGE.iter().map(|(server, _)| *server);
        if self.one_wave {
            return servers.filter(|_| number == 0).collect();
        }
        servers.skip(usize::try_from(number).unwrap_or(usize::MAX)).take(1).collect()
    }

    /// The wave that a server is in.
    pub(super) fn wave_of(&self, server: &str) -> u32 {
        let at = EXCHANGE.iter().position(|(other, _)| *other == server).filter(|_| !self.one_wave);
        at.and_then(|at| u32::try_from(at).ok()).unwrap_or(0)
    }

    /// All hosts of the wave that a server is in.
    pub(super) fn with(&self, server: &str) -> Vec<&'static str> {
        let wave = EXCHANGE.iter().filter(|(other, _)| self.one_wave || *other == server);
        wave.flat_map(|(_, hosts)| hosts.iter().copied()).collect()
    }

    /// As its author writes it.
    pub(super) fn text(&self, at_once: u32) -> String {
        let servers: Vec<&str> = EXCHANGE.iter().map(|(server, _)| *server).collect();
        let sha256 = Sha256(PACKAGE_SHA256).to_string();
        let mut file = RolloutFile::one_by_one(ROLLOUT, ("kb926666", &sha256, TARGET), &servers);
        if self.one_wave {
            file.waves = vec![("all".to_owned(), servers.into_iter().map(str::to_owned).collect())];
        }
        if let Some(hours) = &self.hours {
            file.keys = String::new();
            file.tables = hours.text();
        }
        if self.removes {
            file.keys.push_str("on_trip = \"remove\"\n");
        }
        if let Some(patience) = self.patience {
            let _ = writeln!(file.keys, "patience = \"{}m\"", patience.as_secs() / 60);
        }
        let _ = writeln!(file.keys, "approvals = {}\ntest_send = {}", self.approvals, self.test_send);
        file.tables.push_str(&self.thresholds.text());
        file.at_once = self.at_once.unwrap_or(at_once);
        file.text()
    }
}
