//! What changes on a directory server is followed.

use crate::relay::Relay;
use crate::support::{lab, server, wanted};
use crate::watched::*;
use sendgate_core::coverage::{Cause, DomainPicture, VerdictKind};
use std::fmt::Write as _;
use std::sync::Arc;
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_and_a_deny_on_a_unit_are_seen_on_every_server_and_so_is_their_removal() {
    let lab = lab();
    let unit = Unit::new(&lab, "a");
    unit.add_user("ann");
    let ann = unit.mail("ann");
    let mut watched = Watched::start(unit.domain, all_servers(unit.domain), &[&ann]).await;
    watched.until_kind("nothing granted", &ann, VerdictKind::Missing).await;
    let deny = format!("(OD;CIIO;CR;{SEND_AS};{USER};{})", unit.domain.goodadmin.sid);
    for (what, act, kind) in [
        ("granted", (&unit.grant(), true), VerdictKind::Covered),
        ("denied", (&deny, true), VerdictKind::Denied),
        ("no longer denied", (&deny, false), VerdictKind::Covered),
        ("no longer granted", (&unit.grant(), false), VerdictKind::Missing),
    ] {
        match act {
            (entry, true) => unit.add_entry(&unit.dn, entry),
            (entry, false) => unit.remove_entry(&unit.dn, entry),
        }
        watched.until_kind(what, &ann, kind).await;
    }
    assert_eq!(verdict(&watched.picture, &ann).unwrap().servers.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_on_the_user_himself_is_seen_on_every_server() {
    let lab = lab();
    let unit = Unit::new(&lab, "a");
    unit.add_user("ann");
    let ann = unit.mail("ann");
    let mut watched = Watched::start(unit.domain, all_servers(unit.domain), &[&ann]).await;
    watched.until("on both servers", |picture| verdict(picture, &ann).is_some()).await;
    unit.add_entry(&unit.dn("ann"), &format!("(OA;;CR;{SEND_AS};;{})", unit.domain.goodadmin.sid));
    watched.until_kind("covered on both servers", &ann, VerdictKind::Covered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_joins_a_protected_group_over_another_group_is_protected_until_he_leaves() {
    let lab = lab();
    let unit = Unit::new(&lab, "b");
    unit.add_user("ann");
    let ann = unit.mail("ann");
    // A distribution group: it protects as well.
    let group = unit.add_group("crew", 2);
    unit.add_entry(&unit.dn, &unit.grant());
    let mut watched = Watched::start(unit.domain, all_servers(unit.domain), &[&ann]).await;
    watched.until_kind("covered", &ann, VerdictKind::Covered).await;
    let admins = format!("CN=Backup Operators,CN=Builtin,{}", unit.domain.dn);
    unit.member("add", &group, &unit.dn("ann"));
    unit.member("add", &admins, &group);
    // The laboratory's propagator may take the right away at any moment from here on, so that only the cause is certain.
    let path = |picture: &DomainPicture| match &verdict(picture, &ann)?.cause {
        Cause::Protected { path, .. } => Some(path.0.len()),
        _ => None,
    };
    watched.until("protected over two groups", |picture| path(picture) == Some(2)).await;
    unit.member("delete", &group, &unit.dn("ann"));
    watched.until("no longer protected", |picture| path(picture).is_none()).await;
    unit.member("delete", &admins, &group);
}

/// The group that protects him does not change with his name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_protected_user_who_is_renamed_and_moved_stays_protected() {
    let lab = lab();
    let unit = Unit::new(&lab, "b");
    unit.add_user("ann");
    let ann = unit.mail("ann");
    unit.add_entry(&unit.dn, &unit.grant());
    let inner = format!("OU=Inner,{}", unit.dn);
    unit.change(&format!("dn: {inner}\nchangetype: add\nobjectClass: organizationalUnit\n"));
    let operators = format!("CN=Backup Operators,CN=Builtin,{}", unit.domain.dn);
    unit.member("add", &operators, &unit.dn("ann"));
    let mut watched = Watched::start(unit.domain, vec![server(unit.domain, 0, &unit.domain.surveyor)], &[&ann]).await;
    let is_protected = |picture: &DomainPicture| {
        verdict(picture, &ann).is_some_and(|verdict| matches!(verdict.cause, Cause::Protected { .. }))
    };
    watched.until("protected", is_protected).await;
    let name = format!("CN=anna-{}", unit.tag);
    let mut before = unit.dn("ann");
    for (what, above) in [("renamed", &unit.dn), ("moved", &inner)] {
        unit.change(&format!(
            "dn: {before}\nchangetype: modrdn\nnewrdn: {name}\ndeleteoldrdn: 1\nnewsuperior: {above}\n"
        ));
        before = format!("{name},{above}");
        watched.until(what, |picture| here(picture, &ann).is_some_and(|ann| ann.dn.as_str() == before)).await;
        // The very look that shows the new name shows the protection as well.
        assert!(is_protected(&watched.picture), "{what}: {:?}", verdict(&watched.picture, &ann));
    }
    unit.member("delete", &operators, &before);
    watched.until("no longer protected", |picture| !is_protected(picture)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_whom_the_heuristics_exempt_are_not_protected() {
    let lab = lab();
    let unit = Unit::new(&lab, "a");
    unit.add_user("ann");
    let ann = unit.mail("ann");
    unit.add_entry(&unit.dn, &unit.grant());
    let operators = format!("CN=Account Operators,CN=Builtin,{}", unit.domain.dn);
    unit.member("add", &operators, &unit.dn("ann"));
    let mut watched = Watched::start(unit.domain, all_servers(unit.domain), &[&ann]).await;
    // The laboratory's propagator may take the right away while she is protected, so that only the cause is certain.
    let is_protected = |picture: &DomainPicture| {
        verdict(picture, &ann).map(|verdict| matches!(verdict.cause, Cause::Protected { .. }))
    };
    watched.until("protected", |picture| is_protected(picture) == Some(true)).await;
    lab.set_ds_heuristics("a", Some("0000000001000001")).unwrap();
    watched.until("exempt", |picture| is_protected(picture) == Some(false)).await;
    lab.set_ds_heuristics("a", None).unwrap();
    watched.until("protected again", |picture| is_protected(picture) == Some(true)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_who_are_made_moved_renamed_and_deleted_are_followed() {
    let lab = lab();
    let unit = Unit::new(&lab, "b");
    unit.add_user("ann");
    let (ann, bob) = (unit.mail("ann"), unit.mail("bob"));
    let server = unit.domain.servers[0].name.parse().unwrap();
    let mut watched = Watched::start(unit.domain, all_servers(unit.domain), &[&ann, &bob]).await;
    watched.until("one of two", |picture| here(picture, &ann).is_some() && is_absent(picture, &bob)).await;
    unit.add_user("bob");
    watched.until("made", |picture| here(picture, &bob).is_some()).await;
    let inner = format!("OU=Inner,{}", unit.dn);
    unit.change(&format!("dn: {inner}\nchangetype: add\nobjectClass: organizationalUnit\n"));
    unit.add_entry(&inner, &unit.grant());
    let name = format!("CN=ann-{}", unit.tag);
    unit.change(&format!(
        "dn: {}\nchangetype: modrdn\nnewrdn: {name}\ndeleteoldrdn: 1\nnewsuperior: {inner}\n",
        unit.dn("ann")
    ));
    watched.until_kind("moved below a grant", &ann, VerdictKind::Covered).await;
    assert_eq!(here(&watched.picture, &ann).unwrap().dn.as_str(), format!("{name},{inner}"));
    // The unit itself goes elsewhere.
    unit.change(&format!("dn: {inner}\nchangetype: modrdn\nnewrdn: OU=Other\ndeleteoldrdn: 1\n"));
    let moved = format!("{name},OU=Other,{}", unit.dn);
    // Until everything has been read again nobody has a right by what was known.
    watched.until("known in part", |picture| picture.failed.contains_key(&server)).await;
    watched
        .until("renamed with his unit", |picture| here(picture, &ann).is_some_and(|ann| ann.dn.as_str() == moved))
        .await;
    let other = format!("other-{}", unit.tag);
    unit.change(&format!(
        "dn: {}\nchangetype: modify\nreplace: mail\nmail: other-{bob}\n-\nreplace: sAMAccountName\n\
         sAMAccountName: {other}\n-\n",
        unit.dn("bob")
    ));
    watched.until("another address", |picture| is_absent(picture, &bob)).await;
    unit.change(&format!("dn: {moved}\nchangetype: delete\n"));
    watched.until("deleted", |picture| is_absent(picture, &ann)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_whose_inheritance_is_blocked_loses_its_users_at_once() {
    let lab = lab();
    let unit = Unit::new(&lab, "b");
    let inner = format!("OU=Inner,{}", unit.dn);
    unit.change(&format!("dn: {inner}\nchangetype: add\nobjectClass: organizationalUnit\n"));
    unit.add_user("ann");
    let ann = unit.mail("ann");
    let rdn = format!("CN=ann-{}", unit.tag);
    unit.change(&format!(
        "dn: {}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: {inner}\n",
        unit.dn("ann")
    ));
    unit.add_entry(&unit.dn, &unit.grant());
    let mut watched = Watched::start(unit.domain, all_servers(unit.domain), &[&ann]).await;
    watched.until_kind("covered", &ann, VerdictKind::Covered).await;
    // A protected DACL with one entry for everybody: D:P(A;CI;GR;;;WD), in the form of the wire.
    unit.change(&format!(
        "dn: {inner}\ncontrol: 1.2.840.113556.1.4.801 true:: MAMCAQQ=\nchangetype: modify\n\
         replace: nTSecurityDescriptor\nnTSecurityDescriptor:: {}\n",
        "AQAElAAAAAAAAAAAAAAAABQAAAAEABwAAQAAAAACFACUAAIAAQEAAAAAAAEAAAAA"
    ));
    watched.until_kind("blocked", &ann, VerdictKind::Missing).await;
    let cause = &verdict(&watched.picture, &ann).unwrap().cause;
    assert!(matches!(cause, Cause::InheritanceBlocked { at } if at.as_str() == inner), "{cause}");
}

/// The reader is not shown that the old one was deleted, and no number of the user below the new one moves by its list.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_is_made_again_under_its_name_is_looked_at_as_before() {
    let lab = lab();
    let unit = Unit::new(&lab, "b");
    let inner = format!("OU=Inner,{}", unit.dn);
    let (ann, dn) = (unit.mail("ann"), format!("CN=ann-{},{inner}", unit.tag));
    let make = || {
        unit.change(&format!("dn: {inner}\nchangetype: add\nobjectClass: organizationalUnit\n"));
        unit.change(&format!(
            "dn: {dn}\nchangetype: add\nobjectClass: user\nsAMAccountName: ann-{}\nuserAccountControl: 544\nmail: {ann}\n\
             msExchHomeServerName: /o=Lab/ou=Exchange/cn=Configuration/cn=Servers/cn=EXB1\n",
            unit.tag
        ));
    };
    unit.add_entry(&unit.dn, &unit.grant());
    make();
    let mut watched = Watched::start(unit.domain, all_servers(unit.domain), &[&ann]).await;
    watched.until_kind("covered", &ann, VerdictKind::Covered).await;
    unit.change(&format!("dn: {dn}\nchangetype: delete\n"));
    unit.change(&format!("dn: {inner}\nchangetype: delete\n"));
    watched.until("deleted", |picture| is_absent(picture, &ann)).await;
    make();
    watched.until_kind("made again", &ann, VerdictKind::Covered).await;
    unit.add_entry(&inner, &format!("(OD;CIIO;CR;{SEND_AS};{USER};{})", unit.domain.goodadmin.sid));
    watched.until_kind("denied on the new unit", &ann, VerdictKind::Denied).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_lost_fails_at_once_and_is_back_with_what_has_changed_meanwhile() {
    let lab = lab();
    let unit = Unit::new(&lab, "a");
    unit.add_user("ann");
    let ann = unit.mail("ann");
    let mut servers = all_servers(unit.domain);
    let relay = Relay::start(&servers[1].address).await;
    servers[1].address = relay.address();
    let lost = servers[1].name.clone();
    let mut watched = Watched::start(unit.domain, servers, &[&ann]).await;
    watched.until_kind("nothing granted", &ann, VerdictKind::Missing).await;
    relay.cut();
    watched.until("lost", |picture| picture.failed.contains_key(&lost)).await;
    let verdict_now = verdict(&watched.picture, &ann).unwrap();
    assert_eq!(verdict_now.kind, VerdictKind::Unreadable);
    unit.add_entry(&unit.dn, &unit.grant());
    relay.join();
    watched.until_kind("back, with the grant", &ann, VerdictKind::Covered).await;
    assert!(watched.picture.failed.is_empty());
    // With a server that cannot be reached a full reading ends all the same.
    relay.cut();
    assert_eq!(watched.read().await, 1);
    assert!(watched.picture.failed.contains_key(&lost));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_are_new_are_looked_up_without_reading_the_others() {
    let lab = lab();
    let unit = Unit::new(&lab, "a");
    let new = ["bob", "cid", "dan", "eve", "fay"];
    unit.add_user("ann");
    new.iter().for_each(|user| unit.add_user(user));
    let (ann, new) = (unit.mail("ann"), new.map(|user| unit.mail(user)));
    let mut many: Vec<&str> = unit.domain.users.iter().map(|user| user.mail.as_str()).collect();
    many.push(&ann);
    let mut only = server(unit.domain, 0, &unit.domain.surveyor);
    let relay = Relay::start(&only.address).await;
    only.address = relay.address();
    let mut watched = Watched::start(unit.domain, vec![only], &many).await;
    let everybody = relay.answered();
    watched.until("ann", |picture| here(picture, &ann).is_some() && picture.users.len() == many.len()).await;
    let mut least = u64::MAX;
    // Other tests change this domain too: what one name costs is what it costs at its cheapest.
    for name in &new {
        many.push(name);
        let before = relay.answered();
        watched.wanted.send_replace(Arc::new(wanted(unit.domain, &many)));
        watched.until("a new name", |picture| here(picture, name).is_some() && here(picture, &ann).is_some()).await;
        least = least.min(relay.answered() - before);
    }
    assert!(least * 4 < everybody, "{least} bytes for one name, {everybody} for all");
    // Somebody who is not asked for any more is forgotten.
    watched.wanted.send_replace(Arc::new(wanted(unit.domain, &[&new[0]])));
    watched.until("one alone", |picture| picture.users.len() == 1 && here(picture, &new[0]).is_some()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_read_of_users_whom_a_change_cannot_touch() {
    let lab = lab();
    let unit = Unit::new(&lab, "b");
    let users: Vec<String> = (0..40).map(|number| format!("user{number}")).collect();
    let mut ldif = String::new();
    for user in &users {
        write!(
            ldif,
            "dn: {}\nchangetype: add\nobjectClass: user\nsAMAccountName: {user}-{tag}\nuserAccountControl: 544\n\
             mail: {}\nmsExchHomeServerName: /o=Lab/ou=Exchange/cn=Configuration/cn=Servers/cn=EXB1\n\n",
            unit.dn(user),
            unit.mail(user),
            tag = unit.tag
        )
        .unwrap();
    }
    unit.change(&ldif);
    let mails: Vec<String> = users.iter().map(|user| unit.mail(user)).collect();
    let asked: Vec<&str> = mails.iter().map(String::as_str).collect();
    let mut only = server(unit.domain, 0, &unit.domain.surveyor);
    let relay = Relay::start(&only.address).await;
    only.address = relay.address();
    let mut watched = Watched::start(unit.domain, vec![only], &asked).await;
    let everybody = relay.answered();
    let entry = format!("(OA;;CR;{SEND_AS};;{})", unit.domain.goodadmin.sid);
    let mut least = u64::MAX;
    // Other tests change this domain too: what one change costs is what it costs at its cheapest.
    for user in &users[..5] {
        let before = relay.answered();
        unit.add_entry(&unit.dn(user), &entry);
        watched.until_kind(user, &unit.mail(user), VerdictKind::Covered).await;
        least = least.min(relay.answered() - before);
    }
    assert!(least * 4 < everybody, "{least} bytes for one of {} users, {everybody} for all", users.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_with_a_mailbox_is_judged_whether_or_not_a_roster_names_him() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let watched = Watched::start(domain, all_servers(domain), &[&domain.users[0].mail]).await;
    let report = watched.survey.everybody().await.unwrap();
    let names: Vec<String> = report.rows().iter().map(|row| row.name.to_string()).collect();
    for user in &domain.users {
        assert!(names.contains(&user.mail.to_lowercase()), "{} is missing", user.mail);
    }
    let explained = watched.survey.explain(vec![domain.users[0].mail.parse().unwrap()]).await.unwrap();
    assert_eq!(explained.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_on_everybody_is_refused_where_no_server_could_be_read() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let mut nobody = server(domain, 0, &domain.coordinator);
    // Nothing listens on the discard port.
    nobody.address = format!("{}:9", domain.servers[0].address);
    let watched = Watched::start(domain, vec![nobody], &["user001@a.example.test"]).await;
    let error = watched.survey.everybody().await.unwrap_err().to_string();
    assert!(error.starts_with("no directory server could be read (a1.a.example.test: "), "{error}");
    assert!(error.contains("cannot be reached") && error.ends_with(": mend that, and ask again"), "{error}");
}
