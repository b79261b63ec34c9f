//! Answers that come in parts: whoever does not read them keeps what was made ready for him. One person has only so many of
//! them at a time, so that a script that forgets to read takes its own room and nobody else's.

use super::Parts;
use sendgate_core::names::OperatorName;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio_stream::Stream;
use tonic::Status;

/// Such answers of one person: some commands in some windows.
const AT_ONCE: usize = 8;

/// How many each person has.
#[derive(Debug, Default)]
pub(super) struct Streams(Arc<Mutex<BTreeMap<OperatorName, usize>>>);

/// One of them, for as long as it is kept.
#[derive(Debug)]
pub(super) struct Turn {
    all: Arc<Mutex<BTreeMap<OperatorName, usize>>>,
    who: OperatorName,
}

impl Streams {
    /// Room for one more, before anything is made ready.
    ///
    /// # Errors
    /// The person has as many as there may be.
    pub(super) fn turn(&self, who: OperatorName) -> Result<Turn, Status> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(who.clone()).or_default();
        if *count >= AT_ONCE {
            return Err(Status::resource_exhausted(format!(
                "{who} has {AT_ONCE} answers on the way already, of the journal, a coverage report or a survey: ask again \
                 when one of them has been read to its end, or end the command that does not read"
            )));
        }
        *count += 1;
        Ok(Turn { all: Arc::clone(&self.0), who })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all.get(&self.who).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            all.remove(&self.who);
        } else {
            all.insert(self.who.clone(), left);
        }
    }
}

impl Turn {
    /// The answer that the room is for.
    pub(super) fn of<T: 'static>(self, parts: Parts<T>) -> Parts<T> {
        Box::pin(Held { parts, _turn: self })
    }
}

struct Held<T> {
    parts: Parts<T>,
    _turn: Turn,
}

impl<T> Stream for Held<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.parts.as_mut().poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    fn olga() -> OperatorName {
        "olga".parse().unwrap()
    }

    #[test]
    fn one_person_has_only_so_many_answers_at_a_time_and_takes_nobody_elses_room() {
        let streams = Streams::default();
        let mut kept: Vec<Turn> = (0..AT_ONCE).map(|_| streams.turn(olga()).unwrap()).collect();
        let refused = streams.turn(olga()).unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(
            refused.message(),
            "olga has 8 answers on the way already, of the journal, a coverage report or a survey: ask again when one of \
             them has been read to its end, or end the command that does not read"
        );
        assert!(streams.turn("otto".parse().unwrap()).is_ok());
        kept.pop();
        assert!(streams.turn(olga()).is_ok(), "one has been read to its end");
    }

    #[test]
    fn an_answer_has_its_room_until_it_is_let_go() {
        let streams = Streams::default();
        let turn = streams.turn(olga()).unwrap();
        let held: Parts<()> = turn.of(Box::pin(tokio_stream::empty()));
        assert_eq!(streams.0.lock().unwrap().get(&olga()), Some(&1));
        drop(held);
        assert!(streams.0.lock().unwrap().is_empty());
    }
}
