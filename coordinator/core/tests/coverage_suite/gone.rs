//! Entries of ours that are not on their places any more.

use crate::directory::*;
use sendgate_core::coverage::Setting;
use sendgate_core::coverage::placement::{EntryBytes, GrantEntry};
use sendgate_core::coverage::reading::{DescriptorReading, ServerFailure, ServerReading};
use sendgate_core::secdesc::edit::GrantForm;
use std::collections::BTreeMap;

const ON_CONTAINER: &str =
    "(OA;CIIO;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1105)";
const ON_OBJECT: &str = "(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;S-1-5-21-1-2-3-1105)";
const HOLDER: &str = "CN=AdminSDHolder,CN=System,DC=a,DC=example,DC=test";

fn entry(place: &str, form: GrantForm) -> GrantEntry {
    GrantEntry { domain: name("a.example.test"), sid: name(ACCOUNT), place: place.into(), form }
}

/// We have written this entry, and the picture says what is there instead.
fn gone(directory: &Directory, entry: &GrantEntry) -> BTreeMap<GrantEntry, Vec<EntryBytes>> {
    directory.judged_in(&Setting { ours: [entry.clone()].into(), ..setting() }).gone
}

fn on<'a>(directory: &'a mut Directory, server: &str) -> &'a mut ServerReading {
    directory.0.servers.get_mut(&name(server)).unwrap().as_mut().unwrap()
}

#[test]
fn an_entry_is_missed_on_a_container_on_a_user_and_on_the_holder() {
    for (place, form, sddl) in [
        (HEAD, GrantForm::ContainerUsers, ON_CONTAINER),
        (OU, GrantForm::ContainerUsers, ON_CONTAINER),
        (USER, GrantForm::Object, ON_OBJECT),
        (HOLDER, GrantForm::Object, ON_OBJECT),
    ] {
        let (mut directory, ours) = (Directory::plain(), entry(place, form));
        let mut show = |shown: DescriptorReading| {
            match place {
                USER => directory.user("a1", |user| user.descriptor = shown),
                HOLDER => on(&mut directory, "a1").admin_sd_holder = shown,
                container => drop(on(&mut directory, "a1").containers.insert(container.into(), shown)),
            }
            gone(&directory, &ours)
        };
        assert_eq!(show(shown(&format!("D:AI{sddl}"))), BTreeMap::new(), "{place}: it is there");
        let here = shown("D:AI(A;;RC;;;S-1-5-11)(A;ID;RC;;;S-1-5-7)");
        let left = show(here);
        assert_eq!(left.keys().collect::<Vec<_>>(), [&ours], "{place}");
        assert_eq!(left[&ours].len(), 1, "{place}: what is inherited is nobody's entry here");
        // What cannot be seen may be there.
        for nothing in [DescriptorReading::NotShown, DescriptorReading::Malformed("cut".into())] {
            assert_eq!(show(nothing), BTreeMap::new(), "{place}");
        }
    }
}

#[test]
fn nothing_is_said_of_a_place_that_the_server_for_grants_has_not_read() {
    let mut directory = Directory::plain();
    assert_eq!(
        gone(&directory, &entry("OU=Other,DC=a,DC=example,DC=test", GrantForm::ContainerUsers)),
        BTreeMap::new()
    );
    let ours = entry(HEAD, GrantForm::ContainerUsers);
    assert_eq!(gone(&directory, &ours).len(), 1);
    directory.0.servers.insert(name("a1"), Err(ServerFailure("cut off".into())));
    assert_eq!(gone(&directory, &ours), BTreeMap::new(), "what another server shows may be old");
}
