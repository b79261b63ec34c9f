//! A domain is kept up to date while somebody changes it: each test in a unit of its own.

use crate::support::{server, wanted};
use sendgate_coordinator::directory::DirectoryServer;
use sendgate_coordinator::directory::survey::{Looks, Stage, Survey, Wanted};
use sendgate_core::coverage::{DomainPicture, Look, Presence, UserPicture, Verdict, VerdictKind};
use sendgate_core::names::DirectoryName;
use sendgate_core::time::Steady;
use sendgate_tests::lab::{Domain, Lab};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// How long a change may take to be seen before a test fails: many times what it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const SEND_AS: &str = "ab721a54-1e2f-11d0-9819-00aa0040529b";
pub(crate) const USER: &str = "bf967aba-0de6-11d0-a285-00aa003049e2";

static UNITS: AtomicU32 = AtomicU32::new(0);

/// A unit with users of its own, which is removed at the end.
pub(crate) struct Unit<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) domain: &'a Domain,
    pub(crate) tag: String,
    pub(crate) dn: String,
}

impl<'a> Unit<'a> {
    pub(crate) fn new(lab: &'a Lab, letter: &str) -> Self {
        let domain = lab.domain(letter).unwrap();
        let tag = format!("w{}x{}", std::process::id(), UNITS.fetch_add(1, Ordering::Relaxed));
        let dn = format!("OU={tag},{}", domain.dn);
        let unit = Self { lab, domain, tag, dn };
        unit.change(&format!("dn: {}\nchangetype: add\nobjectClass: organizationalUnit\n", unit.dn));
        unit
    }

    pub(crate) fn change(&self, ldif: &str) {
        self.lab.ldapmodify(&self.domain.letter, ldif).unwrap();
    }

    /// The name that a user of this unit is asked for by.
    pub(crate) fn mail(&self, name: &str) -> String {
        format!("{name}-{}@{}", self.tag, self.domain.name)
    }

    pub(crate) fn dn(&self, name: &str) -> String {
        format!("CN={name}-{},{}", self.tag, self.dn)
    }

    pub(crate) fn add_user(&self, name: &str) {
        self.change(&format!(
            "dn: {}\nchangetype: add\nobjectClass: user\nsAMAccountName: {name}-{tag}\nuserAccountControl: 544\n\
             mail: {}\nmsExchHomeServerName: /o=Lab/ou=Exchange/cn=Configuration/cn=Servers/cn=EXA1\n",
            self.dn(name),
            self.mail(name),
            tag = self.tag
        ));
    }

    pub(crate) fn add_group(&self, name: &str, kind: i32) -> String {
        let dn = self.dn(name);
        self.change(&format!(
            "dn: {dn}\nchangetype: add\nobjectClass: group\nsAMAccountName: {name}-{}\ngroupType: {kind}\n",
            self.tag
        ));
        dn
    }

    pub(crate) fn member(&self, verb: &str, group: &str, member: &str) {
        self.change(&format!("dn: {group}\nchangetype: modify\n{verb}: member\nmember: {member}\n"));
    }

    /// On the unit, what GoodAdmin needs to send as the users in it.
    pub(crate) fn grant(&self) -> String {
        format!("(OA;CIIO;CR;{SEND_AS};{USER};{})", self.domain.goodadmin.sid)
    }

    pub(crate) fn add_entry(&self, dn: &str, entry: &str) {
        self.lab.add_entry(&self.domain.letter, dn, entry).unwrap();
    }

    pub(crate) fn remove_entry(&self, dn: &str, entry: &str) {
        self.lab.remove_entry(&self.domain.letter, dn, entry).unwrap();
    }
}

impl Drop for Unit<'_> {
    fn drop(&mut self) {
        let (server, admin) = (&self.domain.servers[0], &self.domain.administrator);
        let uri = format!("ldaps://{}:{}", server.name, server.ldaps_port);
        let words = ["ldapdelete", "-r", "-x", "-H", &uri, "-D", &admin.upn, "-w", &admin.password, &self.dn];
        // What cannot be removed disturbs nobody.
        let _ = self.lab.command("client", words).env("LDAPTLS_CACERT", &server.ca).output();
    }
}

/// A running survey and what it has taught.
pub(crate) struct Watched {
    pub(crate) survey: Survey,
    pub(crate) wanted: watch::Sender<Arc<Wanted>>,
    pub(crate) looks: mpsc::Receiver<Look>,
    pub(crate) picture: DomainPicture,
}

impl Watched {
    /// Reads the domain in full and watches it from then on.
    pub(crate) async fn start(domain: &Domain, servers: Vec<DirectoryServer>, asked: &[&str]) -> Self {
        Self::asking(domain, servers, wanted(domain, asked)).await
    }

    pub(crate) async fn asking(domain: &Domain, servers: Vec<DirectoryServer>, wanted: Wanted) -> Self {
        let (sender, receiver) = watch::channel(Arc::new(wanted));
        let (taught, looks) = mpsc::channel(1000);
        let take: Looks = Arc::new(move |look| {
            let taught = taught.clone();
            Box::pin(async move { taught.send(look).await.is_ok() })
        });
        let (name, begun) = (domain.name.parse().unwrap(), Instant::now());
        let now = Arc::new(move || Steady::after_start(begun.elapsed()));
        let survey = Survey::start(name, servers, receiver, take, now);
        let picture = DomainPicture::new(domain.name.parse().unwrap());
        let mut watched = Self { survey, wanted: sender, looks, picture };
        watched.read().await;
        watched
    }

    /// A full reading; how many servers have ended well.
    pub(crate) async fn read(&mut self) -> usize {
        let mut steps = self.survey.run().await.unwrap();
        let mut well = 0;
        while let Some(step) = steps.recv().await {
            well += usize::from(step.stage == Stage::Ended(Ok(())));
        }
        // The look has been passed on before the steps end.
        while let Ok(look) = self.looks.try_recv() {
            self.picture.take(look);
        }
        well
    }

    /// Waits until the picture is as it should be. How long that took.
    pub(crate) async fn until(&mut self, what: &str, is: impl Fn(&DomainPicture) -> bool) -> Duration {
        let begun = Instant::now();
        while !is(&self.picture) {
            let Some(left) = PATIENCE.checked_sub(begun.elapsed()) else { panic!("{what}: {:?}", self.picture) };
            if let Ok(look) = tokio::time::timeout(left, self.looks.recv()).await {
                self.picture.take(look.expect("the survey goes on"));
            }
        }
        println!("{what}: {:?}", begun.elapsed());
        begun.elapsed()
    }

    pub(crate) async fn until_kind(&mut self, what: &str, name: &str, kind: VerdictKind) -> Duration {
        self.until(what, |picture| verdict(picture, name).is_some_and(|verdict| verdict.kind == kind)).await
    }
}

pub(crate) fn here<'a>(picture: &'a DomainPicture, name: &str) -> Option<&'a UserPicture> {
    match picture.users.get(&name.parse::<DirectoryName>().unwrap())? {
        Presence::Here(here) => Some(here),
        _ => None,
    }
}

pub(crate) fn verdict<'a>(picture: &'a DomainPicture, name: &str) -> Option<&'a Verdict> {
    here(picture, name)?.verdicts.values().next().map(AsRef::as_ref)
}

pub(crate) fn is_absent(picture: &DomainPicture, name: &str) -> bool {
    picture.users.get(&name.parse::<DirectoryName>().unwrap()) == Some(&Presence::Absent)
}

pub(crate) fn all_servers(domain: &Domain) -> Vec<DirectoryServer> {
    (0..domain.servers.len()).map(|at| server(domain, at, &domain.surveyor)).collect()
}
