//! Every cause of a verdict, on a directory that holds a user for each.

use crate::support::{lab, server, survey_for, wanted};
use sendgate_core::coverage::{Judged, Presence, Touched, look};
use sendgate_core::names::AccountName;
use sendgate_tests::lab::{Account, Lab};
use std::collections::BTreeSet;

/// The verdict and the kind of cause, in the words of the laboratory's list.
fn words(presence: &Presence, account: &AccountName) -> (String, String) {
    match presence {
        Presence::Here(here) => {
            let verdict = &here.verdicts[account];
            let cause = serde_json::to_value(&verdict.cause).unwrap();
            (verdict.kind.to_string(), cause["cause"].as_str().unwrap().to_owned())
        }
        Presence::Absent => ("unresolved".into(), "not-found".into()),
        Presence::Ambiguous(_) => ("unresolved".into(), "ambiguous".into()),
        Presence::Unknown(why) => ("unknown".into(), why.clone()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_cause_is_found_where_it_was_made() {
    let lab = lab();
    let domain = lab.domain(&lab.causes().unwrap().domain).unwrap();
    each_cause_is_found_by(&lab, &domain.coordinator).await;
}

/// docs/privileges.md says what a survey needs: this account has just that.
#[tokio::test(flavor = "multi_thread")]
async fn each_cause_is_found_by_an_account_with_the_least_rights() {
    let lab = lab();
    let domain = lab.domain(&lab.causes().unwrap().domain).unwrap();
    each_cause_is_found_by(&lab, &domain.reader).await;
}

async fn each_cause_is_found_by(lab: &Lab, reader: &Account) {
    let causes = lab.causes().unwrap();
    let domain = lab.domain(&causes.domain).unwrap();
    let account = |text: &str| text.to_lowercase().parse::<AccountName>().unwrap();
    let accounts: BTreeSet<AccountName> = causes.cases.iter().map(|case| account(&case.account_upn)).collect();
    let asked: Vec<&str> = causes.cases.iter().map(|case| case.asked.as_str()).collect();
    let mut wanted = wanted(domain, &asked);
    wanted.accounts = accounts.clone();
    wanted.setting.accounts = accounts.clone();
    let here = domain.exchange_servers.iter().map(|server| server.parse().unwrap());
    wanted.setting.exchange_domain = here.map(|server| (server, domain.name.parse().unwrap())).collect();
    let former = [causes.former_sid.parse().unwrap()];
    wanted.setting.former = accounts
        .iter()
        .filter(|name| name.sam.as_str() == "goodold")
        .map(|name| (name.clone(), former.clone().into()))
        .collect();
    assert_eq!(wanted.setting.former.len(), 1, "GoodOld is one of {accounts:?}");
    let servers = (0..domain.servers.len()).map(|at| server(domain, at, reader)).collect();
    let setting = wanted.setting.clone();
    let reading = survey_for(domain, servers, wanted).await;
    let Judged::All(users) = look(&reading, &setting, &Touched::All).users else { panic!("everybody was asked for") };
    let mut wrong = Vec::new();
    for case in &causes.cases {
        let presence = &users[&case.asked.parse().unwrap()];
        let (verdict, cause) = words(presence, &account(&case.account_upn));
        if (verdict.as_str(), cause.as_str()) != (case.verdict.as_str(), case.cause.as_str()) {
            wrong.push(format!(
                "{}: {verdict} ({cause}), not {} ({}): {}",
                case.name, case.verdict, case.cause, case.words
            ));
        }
        // Whoever is covered here is granted by Samba's own check; it cannot know what is only certain to us.
        if verdict == "covered" && case.granted == Some(false) {
            wrong.push(format!("{}: covered, and Samba does not grant it", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), causes.cases.len(), wrong.join("\n"));
    assert!(causes.cases.len() >= 38, "{} cases", causes.cases.len());
}
