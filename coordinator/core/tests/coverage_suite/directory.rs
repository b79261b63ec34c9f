//! A directory of two servers with one user, anna, whom nobody grants anything until a test changes one thing.

use sendgate_core::coverage::placement::Reach;
use sendgate_core::coverage::reading::{
    AccountReading, DescriptorReading, DomainReading, FoundUser, Home, MailboxOwner, ServerReading, UserClass,
    UserReading,
};
use sendgate_core::coverage::{Cause, DomainPicture, Presence, Setting, Touched, Verdict, VerdictKind, look};
use sendgate_core::guid::Guid;
use sendgate_core::names::{AccountName, DirectoryName, Dn};
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::sid::Sid;
use sendgate_core::time::Steady;
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) const ACCOUNT: &str = "S-1-5-21-1-2-3-1105";
pub(crate) const HEAD: &str = "DC=a,DC=example,DC=test";
pub(crate) const OU: &str = "OU=Hosted,DC=a,DC=example,DC=test";
pub(crate) const USER: &str = "CN=anna,OU=Hosted,DC=a,DC=example,DC=test";
/// What everybody's descriptor holds here: nothing that concerns the service account.
pub(crate) const PLAIN: &str = "D:AI(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;S-1-5-10)(A;;RC;;;S-1-5-11)";
pub(crate) const GRANTED: &str = "D:AI(A;;RC;;;S-1-5-11)(OA;CIID;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1105)";

pub(crate) fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn shown(sddl: &str) -> DescriptorReading {
    DescriptorReading::Shown(Arc::new(SecurityDescriptor::from_sddl(sddl, None).unwrap()))
}

pub(crate) struct Directory(pub(crate) DomainReading);

impl Directory {
    /// Two servers, one user, nobody grants anything.
    pub(crate) fn plain() -> Self {
        let server = || ServerReading {
            seen: Steady::START,
            accounts: [(account(), Ok(token()))].into(),
            accounts_awaited: [].into(),
            users: [(anna(), found(PLAIN))].into(),
            containers: [(Dn::from(HEAD), shown("D:AI")), (Dn::from(OU), shown("D:AI"))].into(),
            head: HEAD.into(),
            admin_sd_holder: shown("D:P"),
            in_part: Touched::nobody(),
        };
        Self(DomainReading {
            domain: name("a.example.test"),
            started: Steady::START,
            asked: [anna()].into(),
            servers: ["a1", "a2"].map(|name_of| (name(name_of), Ok(server()))).into(),
        })
    }

    pub(crate) fn user(&mut self, server: &str, change: impl FnOnce(&mut FoundUser)) {
        let reading = self.0.servers.get_mut(&name(server)).unwrap().as_mut().unwrap();
        let Some(UserReading::Found(user)) = reading.users.get_mut(&anna()) else { panic!("anna was there") };
        change(Arc::make_mut(user));
    }

    pub(crate) fn both(&mut self, change: impl Fn(&mut FoundUser)) {
        self.user("a1", &change);
        self.user("a2", &change);
    }

    pub(crate) fn judged(&self) -> DomainPicture {
        self.judged_in(&setting())
    }

    pub(crate) fn judged_in(&self, setting: &Setting) -> DomainPicture {
        let mut picture = DomainPicture::new(name("a.example.test"));
        picture.take(look(&self.0, setting, &Touched::All));
        picture
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict_in(&setting())
    }

    pub(crate) fn verdict_in(&self, setting: &Setting) -> Verdict {
        match &self.judged_in(setting).users[&anna()] {
            Presence::Here(here) => here.verdicts[&account()].as_ref().clone(),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn is(&self, kind: VerdictKind, cause: Cause) {
        let verdict = self.verdict();
        assert_eq!((verdict.kind, verdict.cause), (kind, cause));
    }
}

pub(crate) fn anna() -> DirectoryName {
    name("anna@a.example.test")
}

pub(crate) fn account() -> AccountName {
    name("goodadmin@a.example.test")
}

pub(crate) fn token() -> AccountReading {
    let certain = [ACCOUNT, "S-1-1-0", "S-1-5-11"].map(name::<Sid>);
    AccountReading {
        dn: "CN=GoodAdmin,CN=Users,DC=a,DC=example,DC=test".into(),
        sid: name(ACCOUNT),
        everywhere: certain.into(),
        local: BTreeSet::new(),
        uncertain: BTreeSet::new(),
    }
}

pub(crate) fn setting() -> Setting {
    let mut setting = Setting::new([account()].into(), name("a1"), Reach::Domain);
    setting.exchange_domain = [(name("exa1"), name("a.example.test"))].into();
    setting
}

pub(crate) fn found(sddl: &str) -> UserReading {
    UserReading::Found(Arc::new(FoundUser {
        dn: USER.into(),
        guid: Guid::SEND_AS,
        sid: name("S-1-5-21-1-2-3-2001"),
        class: UserClass::User,
        descriptor: shown(sddl),
        home: Home::Server(name("exa1")),
        protected_by: None,
        admin_count: false,
        owner: MailboxOwner::Itself,
    }))
}
