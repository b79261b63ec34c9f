//! A server that has refused the account is left alone for a while, whoever asks: each attempt counts towards the account's
//! lockout, on every server. What surveys, grants and people ask of one server goes through one of these.

use super::{DirectoryError, DirectoryServer};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// The pause after a refusal. Windows forgets attempts after 30 minutes where it counts them at all; who has mended the
/// account does not wait, but asks for a survey.
pub(super) const REST: Duration = Duration::from_secs(900);

/// The refusals of one server, for every copy of its settings.
#[derive(Debug, Clone)]
pub struct Refusals(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    last: Mutex<Option<(Instant, DirectoryError)>>,
    /// One attempt at a time: of several at once each would be a refused one.
    turn: Semaphore,
}

impl Default for Refusals {
    fn default() -> Self {
        Self(Arc::new(Kept { last: Mutex::new(None), turn: Semaphore::new(1) }))
    }
}

impl Refusals {
    /// Connects and binds, unless the account was refused a short while ago.
    ///
    /// # Errors
    /// Those of `open`, [`DirectoryError::LeftAlone`], and that attempts before this one take too long.
    pub(super) async fn attempt<T>(
        &self,
        server: &DirectoryServer,
        open: impl Future<Output = Result<T, DirectoryError>>,
    ) -> Result<T, DirectoryError> {
        let limit = server.timeouts.operation;
        let Ok(_turn) = timeout(limit, self.0.turn.acquire()).await else {
            let attempt = format!("waiting for a turn to bind as {}", server.bind.name);
            return Err(DirectoryError::TimedOut { server: server.shown(), attempt, limit });
        };
        if let Some((_, refused)) = self.resting() {
            return Err(refused.left_alone());
        }
        let opened = open.await;
        if let Err(error) = &opened
            && error.refuses_the_account()
        {
            *self.last() = Some((Instant::now(), error.clone()));
        }
        opened
    }

    /// For how long the server is still left alone, if it is.
    pub(super) fn rest(&self) -> Option<Duration> {
        self.resting().map(|(rest, _)| rest)
    }

    /// Somebody may have mended the account: the next attempt is made at once.
    pub(super) fn mended(&self) {
        *self.last() = None;
    }

    fn resting(&self) -> Option<(Duration, DirectoryError)> {
        let (since, refused) = self.last().clone()?;
        let rest = REST.checked_sub(since.elapsed()).filter(|rest| !rest.is_zero())?;
        Some((rest, refused))
    }

    fn last(&self) -> MutexGuard<'_, Option<(Instant, DirectoryError)>> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Answer, BIND, bound, hasty, result};
    use super::*;
    use crate::directory::connect;

    fn refusing() -> DirectoryServer {
        hasty(vec![Answer::Say(vec![result(BIND, 49, "data 52e")])])
    }

    async fn error(server: &DirectoryServer) -> DirectoryError {
        connect::open(server).await.err().unwrap()
    }

    /// The server that a test talks to takes one connection: a second attempt would not reach it.
    #[tokio::test]
    async fn whoever_asks_a_server_after_a_refusal_does_not_bind() {
        let server = refusing();
        let refused = error(&server).await;
        assert!(matches!(refused, DirectoryError::BindRefused { .. }), "{refused}");
        let text = error(&server.clone()).await.to_string();
        let next = "; it is left alone for 15m 0s after that, so that asking again does not lock the account out; once it is mended, \
                    `sendgate survey run DOMAIN` tries at once";
        assert_eq!(text, format!("{refused}{next}"));
    }

    #[tokio::test]
    async fn of_several_who_ask_at_once_one_is_refused() {
        let server = refusing();
        let all = tokio::join!(error(&server), error(&server), error(&server), error(&server));
        let all = [all.0, all.1, all.2, all.3];
        let refused = all.iter().filter(|error| matches!(error, DirectoryError::BindRefused { .. })).count();
        let left_alone = all.iter().filter(|error| matches!(error, DirectoryError::LeftAlone { .. })).count();
        assert_eq!((refused, left_alone), (1, 3), "{all:?}");
    }

    #[tokio::test]
    async fn a_server_is_tried_again_when_the_account_is_mended_or_the_pause_is_over() {
        let server = refusing();
        error(&server).await;
        let rest = server.refusals.rest().unwrap();
        assert!(rest <= REST && rest > Duration::ZERO, "{rest:?}");
        server.refusals.mended();
        assert_eq!(server.refusals.rest(), None);
        let again = error(&server).await;
        assert!(!again.refuses_the_account(), "it was tried, and nobody was there: {again}");
        let refused = DirectoryError::BindRefused { server: server.shown(), name: "n".to_owned(), why: "w".to_owned() };
        *server.refusals.last() = Some((Instant::now() - REST, refused));
        assert_eq!(server.refusals.rest(), None);
    }

    #[tokio::test]
    async fn only_a_refused_account_is_left_alone() {
        let server = hasty(vec![bound()]);
        assert!(connect::open(&server).await.is_ok());
        assert!(server.refusals.rest().is_none());
        let again = error(&server).await;
        assert!(server.refusals.rest().is_none(), "{again}");
    }

    #[tokio::test]
    async fn whoever_waits_for_others_does_not_wait_for_ever() {
        let mut server = hasty(vec![]);
        server.timeouts.operation = Duration::from_millis(20);
        let turn = server.refusals.0.turn.acquire().await;
        let text = error(&server).await.to_string();
        let waited = "waiting for a turn to bind as sendgate@example.test on directory server dc.example.test";
        assert!(text.starts_with(waited) && text.contains("was not answered within 0.02s"), "{text}");
        drop(turn);
    }
}
