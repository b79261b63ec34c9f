//! What is asked of a survey as a whole.

use super::super::connect;
use super::super::fake::{Answer, BIND, bound, hasty, result, server};
use super::*;

fn survey(servers: Vec<DirectoryServer>) -> (Survey, mpsc::Receiver<Request>) {
    let (_, wanted) = watch::channel(Arc::new(Wanted::nothing()));
    Survey::of("example.test".parse().unwrap(), servers, wanted, Arc::new(|| Steady::START))
}

#[tokio::test]
async fn everybody_is_read_for_one_after_the_other_and_nobody_waits_for_ever() {
    let (survey, _requests) = survey(Vec::new());
    let at_it = survey.ground.everybody.try_acquire().unwrap();
    let waited = Duration::from_millis(20);
    assert_eq!(survey.everybody_within(waited).await.unwrap_err(), EverybodyError::Busy { waited });
    assert_eq!(
        EverybodyError::Busy { waited: TURN }.to_string(),
        "everybody is being read there for somebody else, and was not through within 30.0s: each such reading has every \
         directory server work, so one goes on at a time; ask again later"
    );
    drop(at_it);
    // There is no server that could be read.
    assert!(matches!(survey.everybody().await, Err(EverybodyError::NoServer(_))));
    assert_eq!(survey.ground.everybody.available_permits(), 1);
}

#[tokio::test]
async fn a_server_that_is_too_slow_for_everybody_says_so() {
    let mut server = server(vec![bound(), Answer::Nothing]);
    server.timeouts.survey = Duration::from_millis(500);
    let (survey, _requests) = survey(vec![server.clone()]);
    assert_eq!(
        survey.everybody().await.unwrap_err().to_string(),
        format!(
            "no directory server could be read (dc.example.test: reading everybody on {} was not through after 0.5s: the \
             server is too slow, or the deadline too short): mend that, and ask again",
            server.shown()
        )
    );
}

/// A reading that is due does not know more of an account than before.
#[tokio::test]
async fn only_a_person_has_a_server_asked_at_once_that_has_refused_the_account() {
    let server = hasty(vec![Answer::Say(vec![result(BIND, 49, "data 52e")])]);
    assert!(connect::open(&server).await.is_err());
    let (survey, mut requests) = survey(vec![server.clone()]);
    let _steps = survey.run().await.unwrap();
    assert!(matches!(requests.recv().await, Some(Request::Run(_))) && server.refusals.rest().is_some());
    let _steps = survey.run_for_a_person().await.unwrap();
    assert!(matches!(requests.recv().await, Some(Request::Run(_))) && server.refusals.rest().is_none());
}
