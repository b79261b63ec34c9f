//! Reads files that may hang, such as those on a share of another host, without hanging the agent.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

/// How long reading a file may take before the report says so.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// One kind of reading, at most one of it at a time: a share that hangs costs one thread, not one for each probe.
#[derive(Debug)]
pub(super) struct Reading<T> {
    what: String,
    timeout: Duration,
    running: Option<JoinHandle<T>>,
}

impl<T: Send + 'static> Reading<T> {
    pub(super) fn new(what: String) -> Self {
        Self { what, timeout: READ_TIMEOUT, running: None }
    }

    /// Reads on a thread for blocking work. While an earlier reading has not ended none is started; its answer is of
    /// before this probe, and so is nobody's.
    pub(super) async fn run(&mut self, read: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
        let running = &mut self.running;
        let reading = async {
            if let Some(earlier) = running {
                let _ = earlier.await;
            }
            let ended = running.insert(tokio::task::spawn_blocking(read)).await;
            *running = None;
            ended
        };
        match tokio::time::timeout(self.timeout, reading).await {
            Err(_) => Err(format!("reading {} has not ended within {:?}", self.what, self.timeout)),
            Ok(ended) => ended.map_err(|error| format!("reading {} failed inside the agent: {error}", self.what)),
        }
    }
}

/// Something that is read with a state of its own, which one reading at a time has.
pub(super) type Shared<T> = Arc<std::sync::Mutex<T>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reading_that_hangs_is_not_started_again_and_its_answer_is_not_taken_later() {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let mut reading = Reading::new("/share/store.exe".to_owned());
        reading.timeout = Duration::from_millis(50);
        let hung = reading.run(move || wait.recv().map_or(0, |()| 1)).await;
        assert_eq!(hung.unwrap_err(), "reading /share/store.exe has not ended within 50ms");
        let (started, starts) = std::sync::mpsc::channel::<()>();
        let again = reading.run(move || started.send(()).map_or(0, |()| 2)).await;
        assert_eq!(again.unwrap_err(), "reading /share/store.exe has not ended within 50ms");
        assert!(starts.recv().is_err(), "a second thread was not started beside the one that hangs");
        release.send(()).unwrap();
        reading.timeout = Duration::from_secs(30);
        assert_eq!(reading.run(|| 3).await.unwrap(), 3, "not what the first one saw, before this probe began");
        assert_eq!(reading.run(|| 4).await.unwrap(), 4);
    }
}
