//! What no change on the server shows.

use super::super::super::super::Role;
use super::super::super::state::Flow;
use super::*;
use sendgate_core::coverage::AccountPicture;
use sendgate_core::names::AccountName;

fn account() -> AccountName {
    "goodadmin@other.test".parse().unwrap()
}

/// An account of another domain is asked for, whose groups here have not been read yet.
fn with_account(mut state: State) -> State {
    let known = AccountPicture {
        dn: "CN=GoodAdmin,DC=other,DC=test".into(),
        sid: sid(1105),
        everywhere: [sid(1105)].into(),
        anywhere: [sid(1105)].into(),
        local: BTreeSet::new(),
        uncertain: BTreeSet::new(),
    };
    let wanted = Wanted {
        accounts: [account()].into(),
        known: [(account(), known)].into(),
        ..state.asked.wanted.as_ref().clone()
    };
    state.asked.wanted = Arc::new(wanted);
    state
}

/// What is said when an account's groups are read: of those with everybody, those with whoever logs on in some way, those
/// with the account, those with these.
fn in_a_group() -> Vec<Answer> {
    let group = entry_of("CN=G,DC=example,DC=test", &[("objectSid", sid(2001).to_bytes())]);
    let none = || Answer::Page(vec![]);
    vec![none(), none(), Answer::Page(vec![group]), none()]
}

fn in_no_group() -> Vec<Answer> {
    vec![Answer::Page(vec![]); 3]
}

fn groups(delta: &Delta) -> Option<BTreeSet<Sid>> {
    let accounts = delta.accounts.as_ref()?;
    let Some(Ok(known)) = accounts.get(&account()) else { panic!("{accounts:?}") };
    Some(known.local.clone())
}

async fn known(answers: Vec<Answer>, state: &mut State) -> Delta {
    match looked(&hasty(answers), state).await.unwrap() {
        Looked::Known(delta) => delta,
        unclear @ Looked::Unclear(_) => panic!("{unclear:?}"),
    }
}

#[tokio::test]
async fn what_a_look_has_read_before_it_failed_is_told_by_the_next_one() {
    let mut state = with_account(with_ann("CN=Ann,DC=example,DC=test"));
    let now = Instant::now();
    state.flowing.insert(Dn::from(HEAD), Flow { since: now, due: now, pause: FIRST_PAUSE });
    let of = |dn: &str, class: &str| {
        entry_of(dn, &[("objectClass", class.as_bytes().to_vec()), ("uSNChanged", b"101".to_vec())])
    };
    let holder = holder(&Dn::from(HEAD));
    let shown = object_of(holder.as_str(), &[("nTSecurityDescriptor", descriptor())]);
    let changed = change(vec![of("CN=G,DC=example,DC=test", "group"), of(holder.as_str(), "container")]);
    let answers = [changed, in_a_group(), vec![shown, Answer::Close]].concat();
    let error = looked(&hasty(answers), &mut state).await.unwrap_err().to_string();
    assert!(error.contains(&format!("reading {HEAD}")), "{error}");
    assert_eq!(state.usn, 101, "all that had changed was followed");
    state.flowing.clear();
    let delta = known(vec![bound(), highest("101"), Answer::Close], &mut state).await;
    assert_eq!(groups(&delta), Some([sid(2001)].into()));
    assert!(matches!(delta.holder, Some(DescriptorReading::Shown(_))), "{delta:?}");
    let delta = known(vec![bound(), highest("101"), Answer::Close], &mut state).await;
    assert!(delta.accounts.is_none() && delta.holder.is_none(), "it is told once");
}

/// The group may have been deleted, which is shown to few, or be of another domain.
#[tokio::test]
async fn the_groups_of_service_accounts_are_read_again_after_a_while_although_nothing_has_changed() {
    let mut state = with_account(with_nobody());
    let answers = [vec![bound(), highest("100")], in_a_group()].concat();
    state.accounts_read = Instant::now() - ACCOUNTS_EVERY;
    assert_eq!(groups(&known(answers, &mut state).await), Some([sid(2001)].into()));
    // Not at each look.
    let delta = known(vec![bound(), highest("100"), Answer::Close], &mut state).await;
    assert!(delta.accounts.is_none());
    let answers = [vec![bound(), highest("100")], in_no_group()].concat();
    state.accounts_read = Instant::now() - ACCOUNTS_EVERY;
    assert_eq!(groups(&known(answers, &mut state).await), Some(BTreeSet::new()));
}

/// It may not have had the account yet: what is made in another domain shows no change here.
#[tokio::test]
async fn an_account_of_another_domain_that_a_global_catalog_did_not_have_is_looked_up_again() {
    let catalog = |answers: Vec<Answer>| {
        let mut server = hasty([vec![bound(), highest("100")], vec![Answer::Page(vec![]); 2], answers].concat());
        server.role = Role::GlobalCatalog;
        server
    };
    let mut state = with_account(with_nobody());
    let dn = "CN=GoodAdmin,DC=other,DC=test";
    let (own, group) = (sid(1105).to_bytes(), sid(513).to_bytes());
    let shown = [("objectSid", own), ("tokenGroups", group.clone()), ("tokenGroupsGlobalAndUniversal", group)];
    let named = entry_of(dn, &[("sAMAccountName", b"GoodAdmin".to_vec())]);
    let there = vec![Answer::Page(vec![named]), object_of(dn, &shown), Answer::Page(vec![])];
    for (answers, why) in
        [(vec![Answer::Page(vec![])], Some("there is no account goodadmin@other.test on")), (there, None)]
    {
        state.accounts_read = Instant::now() - ACCOUNTS_EVERY;
        looked(&catalog(answers), &mut state).await.unwrap();
        match (&state.accounts[&account()], why) {
            (Err(unknown), Some(why)) => assert!(unknown.why.starts_with(why), "{unknown:?}"),
            (known, why) => assert!(known.is_ok() && why.is_none(), "{known:?}"),
        }
    }
}

#[tokio::test]
async fn the_groups_of_service_accounts_are_read_again_where_something_has_changed_that_was_not_shown() {
    let mut state = with_account(with_ann("CN=Ann,DC=example,DC=test"));
    let some_time_ago = Instant::now() - DOUBTED_EVERY;
    state.accounts_read = some_time_ago;
    let delta = known(vec![bound(), highest("100"), Answer::Close], &mut state).await;
    assert!(delta.accounts.is_none(), "nothing has changed");
    let there = Answer::Page(vec![present(true)]);
    let answers = [change(vec![]), in_a_group(), vec![there.clone()]].concat();
    let delta = known(answers, &mut state).await;
    assert_eq!(groups(&delta), Some([sid(2001)].into()));
    assert!(delta.users.is_empty());
    // Just read: not at each look, and not forgotten.
    let answers = vec![bound(), highest("102"), Answer::Page(vec![]), nobody(), there];
    assert!(known(answers, &mut state).await.accounts.is_none());
    state.accounts_read = some_time_ago;
    let answers = [vec![bound(), highest("102")], in_no_group()].concat();
    assert_eq!(groups(&known(answers, &mut state).await), Some(BTreeSet::new()));
}

/// What has changed since the server was asked how far its changes go stands for none of those up to there.
#[tokio::test]
async fn a_change_that_came_later_does_not_hide_a_deletion() {
    let mut state = with_ann("CN=Ann,DC=example,DC=test");
    let other = [("objectClass", b"contact".to_vec()), ("uSNChanged", b"102".to_vec())];
    let later = entry_of("CN=Contact,DC=example,DC=test", &other);
    let answers = [change(vec![later]), vec![Answer::Page(vec![])]].concat();
    let delta = known(answers, &mut state).await;
    assert!(matches!(delta.users.as_slice(), [(_, UserReading::NotFound)]), "{delta:?}");
}

/// The head's list was changed such that the reader is not shown the users below it any more.
#[tokio::test]
async fn a_user_who_is_not_shown_any_more_below_a_changed_container_is_not_known_by_what_he_had() {
    for (what, there) in [("the head is there", true), ("it is not", false)] {
        let mut state = with_ann("CN=Ann,DC=example,DC=test");
        let now = Instant::now();
        state.flowing.insert(Dn::from(HEAD), Flow { since: now, due: now, pause: FIRST_PAUSE });
        let head = Answer::Page(vec![container_entry(HEAD, 1)]);
        let below = if there {
            vec![object(HEAD, "objectGUID", &[1; 16]), Answer::Page(vec![]), head]
        } else {
            vec![nobody(), Answer::Page(vec![])]
        };
        let still = Answer::Page(vec![present(true)]);
        let answers = [vec![bound(), highest("100")], below, vec![still]].concat();
        let delta = known(answers, &mut state).await;
        let [(_, UserReading::Found(ann))] = delta.users.as_slice() else { panic!("{what}: {delta:?}") };
        assert_eq!(ann.descriptor, DescriptorReading::NotShown, "{what}");
        assert_eq!(state.flowing.contains_key(&Dn::from(HEAD)), there, "{what}");
    }
}

/// What was shown then was so, whatever the next look shows; who was not shown may only not have come yet.
#[tokio::test]
async fn what_is_read_again_below_a_changed_container_counts_as_far_as_it_was_shown_before_that_failed() {
    let lost = SecurityDescriptor::from_sddl("D:(A;;GR;;;SY)", None).unwrap();
    let shown = [("objectGUID", ann_guid().to_bytes().to_vec()), ("nTSecurityDescriptor", lost.to_bytes())];
    let ann = entry_of("CN=Ann,DC=example,DC=test", &shown);
    let cut = |entries: Vec<Vec<u8>>| vec![Answer::Say([entries, vec![result(DONE, 4, "")]].concat())];
    let then = vec![Answer::Page(vec![ann.clone()]), Answer::Close];
    for (below, expected) in [(cut(vec![ann]), Some(lost.clone())), (then, Some(lost)), (cut(vec![]), None)] {
        let mut state = with_ann("CN=Ann,DC=example,DC=test");
        let (now, before) = (Instant::now(), found(&state).descriptor.clone());
        state.flowing.insert(Dn::from(HEAD), Flow { since: now, due: now, pause: FIRST_PAUSE });
        let answers = [vec![bound(), highest("100"), object(HEAD, "objectGUID", &[1; 16])], below].concat();
        looked(&hasty(answers), &mut state).await.unwrap_err();
        let expected = expected.map_or(before, |lost| DescriptorReading::Shown(Arc::new(lost)));
        assert_eq!(found(&state).descriptor, expected);
        assert_eq!(state.flowing[&Dn::from(HEAD)].due, now, "it is read again by the next look");
    }
}

#[tokio::test]
async fn what_a_server_refuses_to_say_of_what_no_change_shows_is_named() {
    let refused = || vec![Answer::Say(vec![result(DONE, 51, "")])];
    let below = vec![bound(), highest("100"), object(HEAD, "objectGUID", &[1; 16])];
    for (before, attempt) in
        [(change(vec![]), "asking whether users are still there"), (below, "reading descriptors again")]
    {
        let mut state = with_ann("CN=Ann,DC=example,DC=test");
        if attempt == "reading descriptors again" {
            let now = Instant::now();
            state.flowing.insert(Dn::from(HEAD), Flow { since: now, due: now, pause: FIRST_PAUSE });
        }
        let server = hasty([before, refused()].concat());
        let error = looked(&server, &mut state).await.unwrap_err().to_string();
        assert_eq!(error, format!("{attempt} failed on directory server {}: rc=51 (busy)", server.shown()));
    }
}

/// As Ann is shown when it is asked whether she is there, with her number or without.
fn present(numbered: bool) -> Vec<u8> {
    let mut shown = vec![("objectGUID", ann_guid().to_bytes().to_vec()), ("nTSecurityDescriptor", descriptor())];
    shown.extend(numbered.then(|| ("uSNChanged", b"90".to_vec())));
    entry_of("CN=Ann,DC=example,DC=test", &shown)
}

const UNSEEN: &str = "CN=Ann,DC=example,DC=test: uSNChanged was not shown, so that no change of him would be seen: grant the \
                      reader the right to read all properties of users (privileges.md)";

/// Her inheritance was blocked: with the right that she had by it the reader's own went, and the change is not shown.
#[tokio::test]
async fn a_user_whose_change_hides_her_number_is_not_known_by_what_she_had() {
    let mut state = with_ann("CN=Ann,DC=example,DC=test");
    let answers = [change(vec![]), vec![Answer::Page(vec![present(false)])]].concat();
    let delta = known(answers, &mut state).await;
    let [(_, UserReading::Failed(why))] = delta.users.as_slice() else { panic!("{delta:?}") };
    assert_eq!(why, UNSEEN);
    assert!(!state.answers.guids().contains(&ann_guid()), "she is not asked about for ever");
    // Once the reader may read her again, that is a change of hers.
    let again = user_entry("CN=Ann,DC=example,DC=test", "102");
    let answers = vec![bound(), highest("102"), Answer::Page(vec![again]), nobody()];
    let delta = known(answers, &mut state).await;
    assert!(matches!(delta.users.as_slice(), [(_, UserReading::Found(_))]), "{delta:?}");
}

/// The unit's inheritance was blocked: its users are shown still, and their changes are not any more.
#[tokio::test]
async fn a_user_whose_number_is_not_shown_any_more_below_a_changed_container_is_not_known_by_what_she_had() {
    let mut state = with_ann("CN=Ann,DC=example,DC=test");
    let now = Instant::now();
    state.flowing.insert(Dn::from(HEAD), Flow { since: now, due: now, pause: FIRST_PAUSE });
    let head = Answer::Page(vec![container_entry(HEAD, 1)]);
    let below = vec![object(HEAD, "objectGUID", &[1; 16]), Answer::Page(vec![present(false)]), head];
    let delta = known([vec![bound(), highest("100")], below].concat(), &mut state).await;
    let [(_, UserReading::Failed(why))] = delta.users.as_slice() else { panic!("{delta:?}") };
    assert_eq!(why, UNSEEN);
}

#[tokio::test]
async fn the_first_answer_is_waited_for_as_long_as_whoever_looks_has_patience() {
    let mut state = with_nobody();
    let mut server = hasty(vec![bound(), Answer::Nothing]);
    server.timeouts.operation = Duration::from_secs(5);
    let session = connect::open(&server).await.ok().unwrap();
    let error = look(&mut state, &session, Steady::START, Duration::from_millis(50)).await.unwrap_err().to_string();
    assert!(error.contains("asking whether anything has changed"), "{error}");
    assert!(error.contains("was not answered within 0.05s"), "{error}");
}
