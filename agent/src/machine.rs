//! What the agent takes from the machine below it: time, chance, and threads for work that waits for a disk.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Steady;

/// Work that blocks.
pub type Work = Box<dyn FnOnce() + Send>;

/// Something that ends later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The machine below the agent.
pub trait Machine: Send + Sync + fmt::Debug {
    /// The steady clock, which permits are timed on.
    fn now(&self) -> Steady;

    /// A random number: for nonces, and so that many agents do not come in step.
    fn random(&self) -> u64;

    /// Does work that blocks, away from the tasks that must not wait; completes when it is done.
    ///
    /// # Errors
    /// When the work ended without an end, such as a thread that was lost.
    fn run(&self, work: Work) -> Later<'static, io::Result<()>>;
}

/// This machine.
#[derive(Clone, Copy, Debug)]
pub struct ThisMachine;

impl Machine for ThisMachine {
    fn now(&self) -> Steady {
        Steady::now()
    }

    fn random(&self) -> u64 {
        rand::random()
    }

    fn run(&self, work: Work) -> Later<'static, io::Result<()>> {
        let running = tokio::task::spawn_blocking(work);
        Box::pin(async move { running.await.map_err(io::Error::other) })
    }
}

/// Runs what blocks on the disk away from the tasks that must not wait.
pub(crate) async fn blocking<T: Send + 'static>(
    machine: &dyn Machine,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let slot = Arc::new(Mutex::new(None));
    let result = Arc::clone(&slot);
    let work = move || {
        let done = work();
        *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
    };
    machine.run(Box::new(work)).await?;
    let done = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    done.ok_or_else(|| io::Error::other("the work was not done"))
}

/// Between 0 and 1, 1 not included.
pub(crate) fn fraction(machine: &dyn Machine) -> f64 {
    let upper = u32::try_from(machine.random() >> 32).unwrap_or(0);
    f64::from(upper) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_has_a_result_and_a_lost_thread_is_an_error() {
        assert_eq!(blocking(&ThisMachine, || 41 + 1).await.unwrap(), 42);
        let lost = blocking(&ThisMachine, || panic!("on purpose")).await.map(|()| 0);
        assert!(lost.unwrap_err().to_string().contains("panic"));
    }

    #[derive(Debug)]
    struct Always(u64);

    impl Machine for Always {
        fn now(&self) -> Steady {
            Steady::now()
        }
        fn random(&self) -> u64 {
            self.0
        }
        fn run(&self, _work: Work) -> Later<'static, io::Result<()>> {
            Box::pin(async { Ok(()) })
        }
    }

    #[tokio::test]
    async fn a_fraction_is_below_one_and_work_that_was_not_done_is_an_error() {
        assert!(fraction(&Always(u64::MAX)) < 1.0);
        assert!(fraction(&Always(0)).abs() < f64::EPSILON);
        assert_eq!(blocking(&Always(0), || 1).await.unwrap_err().to_string(), "the work was not done");
    }
}
