//! All stories, each lane with a laboratory of its own.

use super::laboratory::Laboratory;
use super::point::Point;
use super::story::{self, Told};
use super::{programs, table};
use crate::lab::LabError;
use crate::system::{Binaries, SystemError};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A point may not be reached because a story had fewer entries than the undisturbed one, as messages came in another
/// order: it is tried this often.
const TRIES: u32 = 3;

static STOP: AtomicBool = AtomicBool::new(false);

/// Lets a run end early; what runs in its laboratories is ended first.
pub fn stop() {
    STOP.store(true, Ordering::Relaxed);
}

/// Nothing more is to be begun.
pub(super) fn stopped() -> Result<(), Failure> {
    if STOP.load(Ordering::Relaxed) { Err(Failure::Interrupted) } else { Ok(()) }
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Every point, and not only a sample.
    pub all: bool,
    /// Only points whose text holds this.
    pub only: Option<String>,
    /// Laboratories at the same time.
    pub lanes: usize,
    /// A folder for everything; it must not be there.
    pub dir: PathBuf,
}

/// Why the points could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The laboratory.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A system in it.
    #[error(transparent)]
    System(#[from] SystemError),
    /// This program was moved.
    #[error("{} does not lie in a target directory of cargo's; run it with cargo run", .0.display())]
    NoTarget(PathBuf),
    /// The programs under test were not built.
    #[error("the programs with kill points could not be built: cargo ended with {0}; its message is above")]
    Build(ExitStatus),
    /// Nothing to compare with.
    #[error("the story that nothing disturbs did not end well: {0}")]
    Undisturbed(String),
    /// No point has such a text.
    #[error("no kill point's text holds {0:?}")]
    NoPoint(String),
    /// This program was told to end.
    #[error("told to end before all points were tried; everything that ran is ended and removed")]
    Interrupted,
    /// A lane was lost.
    #[error("a thread broke off; its message is above")]
    Thread,
}

/// What came of all of it.
#[derive(Debug, Default)]
pub struct Sum {
    /// Points of the coordinator.
    pub coordinator: usize,
    /// Points of agents.
    pub agent: usize,
    /// Processes that were started again.
    pub restarts: usize,
    /// Points with a violation, or that were not reached.
    pub wrong: usize,
    /// How long it took.
    pub took: Duration,
    /// A table of all points, in Markdown.
    pub table: String,
    /// The shortest story that leads to a violation.
    pub story: Option<String>,
}

/// Tries the points.
///
/// # Errors
/// [`Failure`] when it could not be done. What must not be is in the sum.
pub fn run(bounds: &Bounds) -> Result<Sum, Failure> {
    let begin = Instant::now();
    std::fs::create_dir_all(&bounds.dir).map_err(SystemError::io("make", &bounds.dir))?;
    let _guard = Removed(bounds.dir.clone());
    let programs = programs::build(&bounds.dir.join("programs"))?;
    println!("the programs are built, {:.0} s", begin.elapsed().as_secs_f64());
    let labs = (0..bounds.lanes.max(1)).map(|lane| Laboratory::up(lab(&bounds.dir, lane)));
    let laboratories = labs.collect::<Result<Vec<_>, _>>()?;
    let Some(first) = laboratories.first() else { return Err(Failure::Thread) };
    println!("{} laboratories are up, {:.0} s", laboratories.len(), begin.elapsed().as_secs_f64());
    let undisturbed = story::tell(first, &programs, &bounds.dir.join("undisturbed"), None)?;
    if !undisturbed.wrong.is_empty() {
        return Err(Failure::Undisturbed(table::story(&undisturbed)));
    }
    let journal = &undisturbed.journal;
    println!("undisturbed: {} entries, {:.1} s", journal.len(), undisturbed.took.as_secs_f64());
    let mut points = if bounds.all { Point::all(journal) } else { Point::sample(journal) };
    if let Some(only) = &bounds.only {
        points.retain(|point| point.to_string().contains(only));
        if points.is_empty() {
            return Err(Failure::NoPoint(only.clone()));
        }
    }
    let left = Mutex::new(points.into_iter().map(|point| (point, 1)).collect::<VecDeque<_>>());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let lanes: Vec<_> = laboratories
            .iter()
            .enumerate()
            .map(|(lane, laboratory)| {
                let dir = bounds.dir.join(format!("run{lane}"));
                let (programs, left, done) = (&programs, &left, &done);
                scope.spawn(move || work(laboratory, programs, &dir, left, done))
            })
            .collect();
        lanes.into_iter().try_for_each(|lane| lane.join().map_err(|_| Failure::Thread)?)
    })?;
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|told| told.point);
    Ok(table::sum(&done, begin.elapsed()))
}

/// One lane: story after story, until no point is left.
fn work(
    laboratory: &Laboratory,
    programs: &Binaries,
    dir: &Path,
    left: &Mutex<VecDeque<(Point, u32)>>,
    done: &Mutex<Vec<Told>>,
) -> Result<(), Failure> {
    loop {
        let Some((point, tries)) = locked(left).pop_front() else { return Ok(()) };
        let told = story::tell(laboratory, programs, dir, Some(point))?;
        if told.seen.is_none() && told.wrong.is_empty() && tries < TRIES {
            locked(left).push_back((point, tries + 1));
            continue;
        }
        println!("{}", table::line(&told));
        locked(done).push(told);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Values are taken and added whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lab(dir: &Path, lane: usize) -> PathBuf {
    dir.join(format!("lab{lane}"))
}

/// A folder that goes with its handle.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} could not be removed: {error}", self.0.display());
        }
    }
}
