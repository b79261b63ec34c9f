//! A full reading that does not come to its end says which step it was at.

use super::super::super::super::fake::{DONE, entry_of, server};
use super::super::super::changes::tests::protection;
use super::*;

const ADMIN: &str = "goodadmin@example.test";

/// Ann and a service account of the domain are asked for.
fn asked() -> Asked {
    let Asked { wanted, roster } = with_ann("CN=Ann,DC=example,DC=test").asked;
    let wanted = Wanted { accounts: [ADMIN.parse().unwrap()].into(), ..wanted.as_ref().clone() };
    Asked { wanted: Arc::new(wanted), roster }
}

/// What a reading asks for, one after the other, with answers that it can go on with.
fn steps() -> Vec<(&'static str, Answer)> {
    let root = [
        ("currentTime", b"20261124230102.0Z".to_vec()),
        ("defaultNamingContext", HEAD.as_bytes().to_vec()),
        ("configurationNamingContext", b"CN=Configuration,DC=example,DC=test".to_vec()),
        ("highestCommittedUSN", b"100".to_vec()),
    ];
    let [head, groups, members] = protection("CN=Ann,DC=example,DC=test").try_into().unwrap();
    let none = || Answer::Page(vec![]);
    vec![
        ("reading the root DSE", object_of("", &root)),
        ("reading the groups that contain a service account", none()),
        ("reading the groups that contain a service account", none()),
        ("looking the account goodadmin@example.test up", none()),
        ("reading CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,DC=example,DC=test", nobody()),
        ("reading DC=example,DC=test", head),
        ("reading protected groups", groups),
        ("reading protected groups", members),
        ("reading the domain's NetBIOS name", none()),
        ("looking users up", none()),
        ("reading the units above users", none()),
        ("reading CN=AdminSDHolder,CN=System,DC=example,DC=test", nobody()),
    ]
}

/// What comes of a reading by a server that answers the steps up to this one, and then so.
async fn read(until: usize, then: Vec<Answer>) -> Result<ServerReading, String> {
    let good = steps().into_iter().take(until).map(|(_, answer)| answer);
    let server = server([bound()].into_iter().chain(good).chain(then).collect());
    let read = once(server.clone(), "example.test".parse().unwrap(), asked(), Steady::START).await;
    read.map_err(|why| why.replace(&server.shown(), "SERVER"))
}

#[tokio::test]
async fn whatever_a_server_refuses_of_a_reading_is_named() {
    let (mut told, mut expected) = (Vec::new(), Vec::new());
    for (step, (attempt, _)) in steps().into_iter().enumerate() {
        let refused = Answer::Say(vec![result(DONE, 51, "")]);
        told.push(read(step, vec![refused]).await.unwrap_err());
        expected.push(format!("{attempt} failed on directory server SERVER: rc=51 (busy)"));
    }
    assert_eq!(told, expected);
    // Those were all the steps.
    read(steps().len(), vec![]).await.unwrap();
}

#[tokio::test]
async fn what_a_reading_cannot_do_without_and_is_not_told_is_named() {
    let named = |dn: &str, name: &str| entry_of(dn, &[("nETBIOSName", name.as_bytes().to_vec())]);
    let several = Answer::Page(vec![named("CN=A", "ADOM"), named("CN=B", "OLDDOM")]);
    for (before, answer, attempt, why) in [
        (5, nobody(), "reading the domain's head", "DC=example,DC=test was not shown"),
        (6, Answer::Page(vec![]), "reading the protected groups", "none of them was shown"),
        (8, several, "reading the domain's NetBIOS name", "there are several: [\"ADOM\", \"OLDDOM\"]"),
    ] {
        let error = read(before, vec![answer]).await.unwrap_err();
        assert_eq!(error, format!("the answer of directory server SERVER to {attempt} was not understood: {why}"));
    }
}

#[tokio::test]
async fn a_reading_that_is_not_through_in_time_is_given_up() {
    let slow = || {
        let mut server = server(vec![bound(), Answer::Nothing]);
        server.timeouts.survey = Duration::from_millis(500);
        server
    };
    let late = |server: &DirectoryServer| {
        format!(
            "reading the users on {} was not through after 0.5s: the server is too slow, or the deadline too short",
            server.shown()
        )
    };
    let server = slow();
    let error = once(server.clone(), "example.test".parse().unwrap(), asked(), Steady::START).await.unwrap_err();
    assert_eq!(error, late(&server), "read once");

    let server = slow();
    let session = connect::open(&server).await.ok().unwrap();
    let (watcher, _ends) = watcher(server.clone(), &with_ann("CN=Ann,DC=example,DC=test"));
    let reading = watcher.begin(&Arc::new(session), None);
    let Err(End::Failed { why, refused }) = reading.task.await.unwrap() else { panic!("it was through") };
    assert_eq!((why, refused), (late(&server), false), "watched");
}
