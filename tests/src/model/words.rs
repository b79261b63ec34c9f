//! Actions and events in words, for the story that leads to a violation.

use super::action::{Action, Event, Operator};
use super::scene::{DOMAINS, HOSTS, SERVERS, USERS};
use std::fmt;

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |host: &usize| HOSTS[*host];
        let second = |domain: &usize| SERVERS[*domain][1];
        match self {
            Self::Event(event) => write!(f, "{event}"),
            Self::Torn(event, entries) => write!(f, "{event}; the coordinator dies after {entries} entries"),
            Self::Hear(h) => write!(f, "a message reaches the agent of {}", host(h)),
            Self::HearAndDie(h) => {
                write!(f, "the permit reaches the agent of {}, which dies before it starts", host(h))
            }
            Self::HalfMinute => f.write_str("half a minute passes"),
            Self::Ask(h) => write!(f, "the agent of {} asks for its permit", host(h)),
            Self::Ends(h) => write!(f, "the program on {} ends well", host(h)),
            Self::EndsBadly(h) => write!(f, "the program on {} ends badly", host(h)),
            Self::Write(act) => write!(f, "the directory carries {act} out"),
            Self::Replicate(domain) => write!(f, "{} gets the entries", second(domain)),
            Self::Pause(user) => write!(f, "GoodLink pauses {}", USERS[*user].name),
            Self::Propagate => f.write_str("AdminSDHolder overwrites anna's descriptor"),
            Self::Protect => f.write_str("anna becomes a member of a protected group"),
            Self::Unprotect => f.write_str("anna leaves the protected group, and her descriptor is mended"),
            Self::Strip(domain) => write!(f, "somebody removes our entry in {}", DOMAINS[*domain]),
            Self::Restore(domain) => write!(f, "somebody puts our entry back in {}", DOMAINS[*domain]),
            Self::Foreign(domain) => write!(f, "somebody adds an entry of his own in {}", DOMAINS[*domain]),
            Self::Fails(domain) => write!(f, "{} answers with errors", second(domain)),
            Self::Silence(domain) => write!(f, "nothing is heard of {} any more", DOMAINS[*domain]),
            Self::Heals(domain) => write!(f, "{} is well again", DOMAINS[*domain]),
            Self::Drift(h) => write!(f, "somebody installs the hotfix on {} by hand", host(h)),
            Self::LoseTo(h) => write!(f, "a message to {} is lost", host(h)),
            Self::LoseFrom(h) => write!(f, "a message of {} is lost", host(h)),
            Self::TwiceTo(h) => write!(f, "a message to {} comes twice", host(h)),
            Self::TwiceFrom(h) => write!(f, "a message of {} comes twice", host(h)),
            Self::AgentDies(h) => write!(f, "the agent of {} dies", host(h)),
            Self::MachineDies(h) => write!(f, "the machine of {} is switched off", host(h)),
            Self::AgentStarts(h) => write!(f, "the agent of {} starts", host(h)),
            Self::OldCoordinator(h) => write!(f, "an older coordinator calls the agent of {}", host(h)),
            Self::Dies => f.write_str("the coordinator dies"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starts(false) => f.write_str("a coordinator starts"),
            Self::Starts(true) => f.write_str("a coordinator starts after a reboot"),
            Self::Connects(host) => write!(f, "the agent of {} connects and reports", HOSTS[*host]),
            Self::Notices(host) => write!(f, "the end of {}'s session is noticed", HOSTS[*host]),
            Self::Report(host) => write!(f, "{} reports", HOSTS[*host]),
            Self::Look(domain) => write!(f, "{} is looked at", DOMAINS[*domain]),
            Self::Deliver(host) => write!(f, "a message of {} arrives", HOSTS[*host]),
            Self::Written(act) => write!(f, "the end of write {act} arrives"),
            Self::Advance => f.write_str("time passes"),
            Self::Operator(Operator::Abort) => f.write_str("olga aborts the rollout"),
            Self::Operator(Operator::Remove) => f.write_str("olga has the hotfix removed again"),
            Self::Operator(Operator::Pause) => f.write_str("olga pauses the rollout"),
            Self::Operator(Operator::Hold) => f.write_str("olga holds the estate"),
            Self::Operator(Operator::Resume) => f.write_str("olga lets the rollout go on"),
            Self::Operator(Operator::Release) => f.write_str("olga releases the estate"),
            Self::Operator(Operator::Undo(act)) => write!(f, "olga has grant {act} undone"),
            Self::Operator(Operator::Waive(user)) => write!(f, "olga waives {}", USERS[*user].name),
        }
    }
}
