//! Accounts that are otherwise by the end of a full reading.

use super::super::super::super::fake::entry_of;
use super::super::super::former::Former;
use super::*;

const GROUP: &str = "S-1-5-21-1-2-3-3001";
const GROUP_DN: &str = "CN=Senders,DC=example,DC=test";

fn another() -> AccountName {
    "moreadmin@other.test".parse().unwrap()
}

/// The group, where an account is looked for in it; none holds it.
fn found() -> Vec<Answer> {
    let group = entry_of(GROUP_DN, &[("objectSid", GROUP.parse::<Sid>().unwrap().to_bytes())]);
    vec![Answer::Page(vec![group]), Answer::Page(vec![])]
}

/// The group, where it is asked what has changed.
fn changed() -> Vec<u8> {
    entry_of(
        GROUP_DN,
        &[
            ("objectClass", b"group".to_vec()),
            ("objectGUID", vec![3; 16]),
            ("objectSid", GROUP.parse::<Sid>().unwrap().to_bytes()),
            ("uSNChanged", b"101".to_vec()),
        ],
    )
}

/// By a reading with which the account was in no group.
async fn in_no_group() -> State {
    let mut read = with_ann("CN=Ann,DC=example,DC=test");
    let (asked, answers) = with_account(&read, std::iter::empty());
    let session = connect::open(&hasty(answers)).await.ok().unwrap();
    changes::want_accounts(&mut read, &session, &asked.wanted).await.ok().unwrap();
    read.delta();
    is_in_no_group(&read.accounts);
    read
}

/// What is passed on of a reading that has ended, where `asked` is wanted by then.
async fn through(read: State, asked: Asked, answers: Vec<Answer>) -> (Box<ServerReading>, Former) {
    let server = hasty(answers);
    let session = connect::open(&server).await.ok().unwrap();
    let (mut watcher, mut ends) = watcher(server, &read);
    watcher.due = Some(None);
    ends.ask.send_replace(asked);
    let reading = reading(&watcher.server.name);
    watcher.through(&session, Ok(Ok(read)), &reading).await.ok().unwrap();
    let (_, Update::Read { reading, former, .. }) = ends.said.try_recv().unwrap() else { panic!("not read") };
    (reading, former)
}

fn groups(reading: &ServerReading, account: &AccountName) -> Vec<String> {
    let Some(Ok(known)) = reading.accounts.get(account) else { panic!("{:?}", reading.accounts) };
    known.local.iter().map(ToString::to_string).collect()
}

/// It was put into a group while the reading ran, by which somebody has a right.
#[tokio::test]
async fn an_account_that_the_look_after_a_full_reading_shows_otherwise_is_passed_on_as_it_was() {
    let read = in_no_group().await;
    let asked = read.asked.clone();
    let answers = [change(vec![changed()]), vec![Answer::Page(vec![]); 2], found()].concat();
    let (mut reading, mut former) = through(read, asked, answers).await;
    assert_eq!((groups(&reading, &account()), former.touched()), (vec![GROUP.to_owned()], Touched::All));
    former.swap(&mut reading);
    assert!(groups(&reading, &account()).is_empty());
}

#[tokio::test]
async fn an_account_that_is_read_again_since_another_one_is_wanted_is_passed_on_as_it_was() {
    let read = in_no_group().await;
    for moved in [false, true] {
        let mut read = State {
            asked: read.asked.clone(),
            accounts: read.accounts.clone(),
            ..with_ann("CN=Ann,DC=example,DC=test")
        };
        read.delta();
        let mut wanted = read.asked.wanted.as_ref().clone();
        let known = wanted.known[&account()].clone();
        wanted.accounts.insert(another());
        wanted.known.insert(another(), known.clone());
        // Its own domain shows it in another group by now, or as another object.
        let now = if moved {
            AccountPicture { dn: "CN=GoodAdmin,OU=Moved,DC=other,DC=test".into(), ..known }
        } else {
            let everywhere = [known.sid.clone(), "S-1-5-21-9-9-9-4001".parse().unwrap()].into();
            AccountPicture { everywhere, ..known }
        };
        wanted.known.insert(account(), now);
        let asked = Asked { wanted: Arc::new(wanted), ..read.asked.clone() };
        let answers = [vec![bound()], vec![Answer::Page(vec![]); 2], found(), found(), vec![highest("100")]].concat();
        let (mut reading, mut former) = through(read, asked, answers).await;
        for account in [account(), another()] {
            assert_eq!(groups(&reading, &account), [GROUP]);
        }
        assert_eq!(former.is_empty(), moved, "by what its own domain showed before, it was another question");
        former.swap(&mut reading);
        assert_eq!(groups(&reading, &account()).is_empty(), !moved);
        assert_eq!(groups(&reading, &another()), [GROUP], "nobody had asked for it before");
    }
}

#[tokio::test]
async fn a_full_reading_passes_on_accounts_as_they_are_wanted_when_it_ends() {
    let read = with_ann("CN=Ann,DC=example,DC=test");
    let (asked, answers) = with_account(&read, std::iter::empty());
    let (reading, former) = through(read, asked, [answers, vec![highest("100")]].concat()).await;
    assert!(former.is_empty(), "that nobody had asked for it before does not mean that it was in no group");
    let Some(Ok(known)) = reading.accounts.get(&account()) else { panic!("{:?}", reading.accounts) };
    assert_eq!(known.everywhere, [OWN.parse().unwrap()].into());
}
