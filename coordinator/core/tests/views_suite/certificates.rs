//! Certificates that somebody has to look after.

use super::super::survives;
use crate::example::{Example, name};
use sendgate_core::estate::{CertificateHolder, Observation};
use sendgate_core::view;
use std::time::Duration;

/// What ends within a month is spoken of, what has ended plainly so, and what nobody knows is no certificate that is good.
#[test]
fn certificates_that_end_are_spoken_of_in_time() {
    let mut example = Example::covered();
    let texts = |example: &Example| {
        view::status(example.world()).certificates.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let unseen = |agent: &str| {
        format!(
            "when the certificate of agent {agent} ends is not known: it has not connected since the coordinator started"
        )
    };
    assert_eq!(
        texts(&example),
        [
            "when the coordinator's own certificate ends is not known: nobody has looked at it".to_owned(),
            unseen("exa1"),
            unseen("exa2"),
            unseen("gla")
        ]
    );
    let mut sees = |holder, ends: Result<&str, &str>| {
        example
            .estate
            .observe(Observation::Certificate(holder, ends.map(name::<jiff::Timestamp>).map_err(str::to_owned)));
    };
    let authority = CertificateHolder::Authority("CN=hosting".to_owned());
    sees(CertificateHolder::Coordinator, Ok("2006-07-13T02:00:01Z"));
    sees(authority.clone(), Ok("2016-07-13T02:00:01Z"));
    for agent in ["exa1", "exa2", "gla"] {
        sees(CertificateHolder::Agent(name(agent)), Ok("2006-07-13T02:00:01Z"));
    }
    assert_eq!(texts(&example), Vec::<String>::new(), "30 days and a second are left");
    example.silence(Duration::from_secs(1));
    let session =
        "a session that is up goes on, no new one begins; issue a new one with `sendgate pki issue --role agent`";
    let own = "a coordinator does not start with one that has ended, and nobody connects to one; issue a new one with \
               `sendgate pki issue --role coordinator`";
    let agent = |agent: &str, ends: &str| format!("the certificate of agent {agent} {ends}: {session}");
    let in_days = "ends in 30 days, at 2006-07-13T02:00:01Z";
    let all = [
        format!("the coordinator's own certificate {in_days}: {own}"),
        agent("exa1", in_days),
        agent("exa2", in_days),
        agent("gla", in_days),
    ];
    assert_eq!(texts(&example), all);
    survives(&view::status(example.world()));
    // One that was renewed, one that ends today, one that cannot be read, and one that has ended.
    let mut sees = |holder, ends: Result<&str, &str>| {
        example
            .estate
            .observe(Observation::Certificate(holder, ends.map(name::<jiff::Timestamp>).map_err(str::to_owned)));
    };
    sees(CertificateHolder::Coordinator, Ok("2007-07-13T02:00:01Z"));
    sees(authority, Ok("2006-06-13T05:00:01Z"));
    sees(CertificateHolder::Agent(name("exa1")), Ok("2006-06-13T02:00:00Z"));
    sees(CertificateHolder::Agent(name("exa2")), Err("it cannot be read: no DER"));
    sees(CertificateHolder::Agent(name("gla")), Ok("2006-06-13T02:00:01Z"));
    assert_eq!(
        texts(&example),
        [
            "the authority CN=hosting ends in 3 h, at 2006-06-13T05:00:01Z: whatever it has issued is refused then, agents \
             and people alike; make a new one, and all certificates anew"
                .to_owned(),
            agent("exa1", "HAS ENDED, at 2006-06-13T02:00:00Z"),
            "when the certificate of agent exa2 ends is not known: it cannot be read: no DER".to_owned(),
            agent("gla", "ends in 0 min, at 2006-06-13T02:00:01Z"),
        ]
    );
    let status = serde_json::to_value(view::status(example.world())).unwrap();
    assert_eq!(
        status["certificates"][1],
        serde_json::json!({
            "holder": "agent", "name": "exa1", "ends": { "Ok": "2006-06-13T02:00:00Z" }, "ended": true, "left": null
        })
    );
}
