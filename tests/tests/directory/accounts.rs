//! Which object a service account is.

use crate::support::{lab, server, wanted};
use crate::watched::*;
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::names::AccountName;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_whose_logon_name_another_object_holds_is_not_known() {
    let lab = lab();
    let unit = Unit::new(&lab, "a");
    for user in ["ann", "service", "other"] {
        unit.add_user(user);
    }
    let (ann, logon) = (unit.mail("ann"), unit.mail("service"));
    let (service, other) = (unit.dn("service"), unit.dn("other"));
    let account: AccountName = logon.parse().unwrap();
    let mut wanted = wanted(unit.domain, &[&ann, &logon]);
    wanted.accounts = [account.clone()].into();
    wanted.setting.accounts = wanted.accounts.clone();
    let mut watched = Watched::asking(unit.domain, vec![server(unit.domain, 0, &unit.domain.surveyor)], wanted).await;
    watched.until_kind("nothing granted", &ann, VerdictKind::Missing).await;
    let sid = watched.picture.accounts[&account].sid.clone();
    unit.add_entry(&unit.dn, &format!("(OA;CIIO;CR;{SEND_AS};{USER};{sid})"));
    watched.until_kind("granted", &ann, VerdictKind::Covered).await;

    // Samba takes no name that an account has already: it is given while the account is away, which then comes back.
    let guid = here(&watched.picture, &logon).unwrap().guid;
    unit.change(&format!("dn: {service}\nchangetype: delete\n"));
    unit.change(&format!(
        "dn: {other}\nchangetype: modify\nreplace: userPrincipalName\nuserPrincipalName: {}\n",
        logon.to_uppercase()
    ));
    unit.change(&format!(
        "dn: CN=service-{}\\0ADEL:{guid},CN=Deleted Objects,{}\ncontrol: 1.2.840.113556.1.4.417 true\nchangetype: modify\n\
         delete: isDeleted\n-\nreplace: distinguishedName\ndistinguishedName: {service}\n-\n",
        unit.tag, unit.domain.dn
    ));
    let why = format!(
        "the account {account} is {service}, and {other} has that as its userPrincipalName: a service that logs on by it is \
         the second one; give that object another userPrincipalName"
    );
    let cause = Cause::TokenUnknown { why: why.clone() };
    watched
        .until("somebody else's name", |picture| verdict(picture, &ann).is_some_and(|verdict| verdict.cause == cause))
        .await;
    assert_eq!(verdict(&watched.picture, &ann).unwrap().kind, VerdictKind::CannotTell);
    let explained = watched.survey.explain(vec![ann.parse().unwrap()]).await.unwrap();
    let remedies: Vec<String> = explained[0].accounts[0].remedies.iter().map(ToString::to_string).collect();
    let correct = format!("correct the service account {account} in the configuration or in the directory: {why}");
    assert_eq!(remedies, [correct]);

    unit.change(&format!("dn: {other}\nchangetype: modify\ndelete: userPrincipalName\n"));
    watched.until_kind("its own again", &ann, VerdictKind::Covered).await;
}
