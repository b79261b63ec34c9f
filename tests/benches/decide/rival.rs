//! Samba's check, compiled from C and timed by itself.

use crate::sample::Sample;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Where Debian and its relatives keep Samba's own libraries.
const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/samba/libsamba-security-samba4.so.0",
    "/usr/lib/aarch64-linux-gnu/samba/libsamba-security-samba4.so.0",
    "/usr/lib64/samba/libsamba-security-samba4.so",
    "/usr/lib/samba/libsamba-security-samba4.so",
];

/// The built program and its questions, in a folder that goes away with this value.
pub(crate) struct Rival {
    folder: PathBuf,
}

/// What one run said.
pub(crate) struct Run {
    /// Granted or not, for each case in order.
    pub(crate) answers: Vec<bool>,
    /// The processor time of all rounds, measured inside the program.
    pub(crate) took: Duration,
}

impl Rival {
    pub(crate) fn build(sample: &Sample) -> Self {
        let library = LIBRARIES.iter().map(Path::new).find(|path| path.exists());
        let library = library.unwrap_or_else(|| {
            panic!(
                "Samba's libsamba-security is at none of {LIBRARIES:?}: run tests/lab/install, then this bench again"
            )
        });
        let folder = std::env::temp_dir().join(format!("sendgate-decide-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let rival = Self { folder };
        std::fs::write(rival.file("cases"), sample.to_bytes()).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/samba_decide.c");
        let beside = library.parent().unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-O2", "-Wall", "-o"]).arg(rival.file("rival")).arg(source).arg(library);
        // Debian has no links without a version for linkers to find.
        compiler.arg(beside.parent().unwrap().join("libndr.so.3"));
        compiler.arg(format!("-Wl,-rpath,{}", beside.display())).arg("-Wl,--allow-shlib-undefined");
        let done =
            compiler.status().unwrap_or_else(|error| panic!("cc cannot be started ({error}): install a C compiler"));
        assert!(done.success(), "{compiler:?} ended with {done}");
        rival
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn measure(&self, rounds: u32) -> Run {
        let mut command = Command::new(self.file("rival"));
        command.arg(self.file("cases")).arg(rounds.to_string());
        let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
        let text = String::from_utf8(done.stdout).unwrap();
        let (answers, times) = text.split_once('\n').unwrap();
        let nanoseconds = times.split(' ').next().unwrap().parse().unwrap();
        Run { answers: answers.chars().map(|c| c == '1').collect(), took: Duration::from_nanos(nanoseconds) }
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        // Left behind, it is a few megabytes in the temporary directory.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
