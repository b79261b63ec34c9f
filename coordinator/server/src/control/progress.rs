//! A full survey while somebody watches. Whoever stops watching stops nothing.

use super::Parts;
use crate::directory::survey::{Progress, Stage, Survey};
use crate::driver::Handle;
use sendgate_core::names::{DirectoryServerName, DomainName};
use sendgate_proto::v1::{SurveyEnd, SurveyProgress};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// Messages that wait for a reader who is slower than the directory.
const WAITING: usize = 64;
/// How often each server's state is told again while nothing is heard; readers wait longer.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// Readings that are watched one after the other at most: whoever joins one that is under way has missed the servers that
/// had ended in it, and hears of those in the next one.
const READINGS: usize = 2;

/// Entries that the last full reading of each server returned.
#[derive(Default)]
pub(super) struct Readings(Mutex<BTreeMap<DirectoryServerName, u64>>);

impl Readings {
    fn expected(&self, server: &DirectoryServerName) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(server).copied().unwrap_or(0)
    }

    fn note(&self, server: &DirectoryServerName, entries: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(server.clone(), entries);
    }
}

pub(super) async fn stream(
    driver: &Handle,
    readings: &Arc<Readings>,
    domain: &DomainName,
    servers: BTreeSet<DirectoryServerName>,
) -> Result<Parts<SurveyProgress>, Status> {
    let survey = driver.survey(domain).ok_or_else(|| Status::unavailable(format!("{domain} is not surveyed")))?;
    let progress = survey.run_for_a_person().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let (sender, parts) = mpsc::channel(WAITING);
    tokio::spawn(tell(survey, progress, sender, Arc::clone(readings), servers));
    Ok(Box::pin(ReceiverStream::new(parts)))
}

/// Tells each server's state until all of them have ended; one that ends without a word has failed.
async fn tell(
    survey: Survey,
    mut progress: mpsc::Receiver<Progress>,
    sender: mpsc::Sender<Result<SurveyProgress, Status>>,
    readings: Arc<Readings>,
    servers: BTreeSet<DirectoryServerName>,
) {
    let begins = |server: &DirectoryServerName| SurveyProgress {
        server: server.to_string(),
        what: "waiting for its turn".to_owned(),
        expected: readings.expected(server),
        ..SurveyProgress::default()
    };
    let mut open: BTreeMap<_, _> = servers.iter().map(|server| (server.clone(), begins(server))).collect();
    for state in open.values() {
        if sender.send(Ok(state.clone())).await.is_err() {
            return;
        }
    }
    let (mut unheard, mut left) = (servers, READINGS - 1);
    loop {
        let next = match tokio::time::timeout(SIGN_OF_LIFE, progress.recv()).await {
            Ok(Some(next)) => next,
            Ok(None) if unheard.is_empty() || left == 0 => break,
            Ok(None) => {
                left -= 1;
                let Ok(next) = survey.run().await else { break };
                progress = next;
                continue;
            }
            Err(_) => {
                for state in open.values() {
                    if sender.send(Ok(state.clone())).await.is_err() {
                        return;
                    }
                }
                continue;
            }
        };
        let first = unheard.remove(&next.server);
        if !first && !open.contains_key(&next.server) {
            // It has ended in the reading before.
            continue;
        }
        let (what, ended) = match next.stage {
            Stage::Ended(ended) => ("ended".to_owned(), Some(ended)),
            stage => (stage.to_string(), None),
        };
        let state = SurveyProgress {
            server: next.server.to_string(),
            what,
            entries: next.entries,
            elapsed_ms: u64::try_from(next.elapsed.as_millis()).unwrap_or(u64::MAX),
            end: ended.as_ref().map(|ended| SurveyEnd { error: ended.as_ref().err().cloned().unwrap_or_default() }),
            expected: readings.expected(&next.server),
        };
        match ended {
            Some(ended) => {
                open.remove(&next.server);
                if ended.is_ok() {
                    readings.note(&next.server, next.entries);
                }
            }
            None => drop(open.insert(next.server, state.clone())),
        }
        if sender.send(Ok(state)).await.is_err() {
            return;
        }
    }
    for state in open.into_values() {
        let error = "the reading was cut short, and nothing was said of this server".to_owned();
        // The reader may be gone.
        let _ = sender.send(Ok(SurveyProgress { end: Some(SurveyEnd { error }), ..state })).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Machine};
    use crate::directory::survey::Wanted;
    use sendgate_core::time::Steady;
    use tokio::sync::watch;
    use tokio_stream::StreamExt as _;

    fn domain() -> DomainName {
        "a.example.test".parse().unwrap()
    }

    fn driver(surveys: BTreeMap<DomainName, Survey>) -> Handle {
        let (messages, _) = mpsc::channel(1);
        Handle::new(messages, Arc::new(surveys), Arc::new(Clock::resume(None, Box::new(Machine))))
    }

    #[tokio::test]
    async fn a_server_of_which_no_reading_says_a_word_is_told_to_have_been_cut_short() {
        let (_wanted, wanted) = watch::channel(Arc::new(Wanted::nothing()));
        let (survey, mut readings) = Survey::served(domain(), wanted, Arc::new(|| Steady::START));
        // Each reading ends as soon as it is asked for.
        tokio::spawn(async move { while readings.recv().await.is_some() {} });
        let driver = driver([(domain(), survey)].into());
        let servers = BTreeSet::from(["a1.a.example.test".parse().unwrap()]);
        let parts = stream(&driver, &Arc::default(), &domain(), servers).await.unwrap();
        let parts: Vec<_> = parts.map(Result::unwrap).collect().await;
        let [begins, ends] = parts.as_slice() else { panic!("{parts:?}") };
        assert_eq!((begins.what.as_str(), &begins.end), ("waiting for its turn", &None));
        let error = "the reading was cut short, and nothing was said of this server".to_owned();
        assert_eq!((ends.server.as_str(), &ends.end), ("a1.a.example.test", &Some(SurveyEnd { error })));
    }

    #[tokio::test]
    async fn a_domain_that_is_not_surveyed_is_not_read() {
        let refused =
            stream(&driver(BTreeMap::new()), &Arc::default(), &domain(), BTreeSet::new()).await.err().unwrap();
        assert_eq!(refused.message(), "a.example.test is not surveyed");
    }
}
