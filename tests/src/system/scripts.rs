//! Small programs in a run's folder, for people: the operator's command, and starting and ending processes by hand.

use super::{Layout, SystemError};
use crate::lab::{CLIENT, Lab};
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A word for a POSIX shell.
fn word(text: &OsString) -> String {
    format!("'{}'", text.to_string_lossy().replace('\'', r"'\''"))
}

fn line(argv: &[OsString]) -> String {
    argv.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn enter(lab: &Lab) -> Vec<OsString> {
    vec![Lab::programs().join("enter").into(), lab.description.dir.clone().into(), CLIENT.into()]
}

fn write(path: &Path, text: &str) -> Result<(), SystemError> {
    std::fs::write(path, text).map_err(SystemError::io("write", path))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
        .map_err(SystemError::io("make runnable", path))
}

/// `sendgate`: the command with its connection, on the laboratory's network.
pub(super) fn command(lab: &Lab, layout: &Layout, cli: &Path) -> Result<(), SystemError> {
    let mut argv = enter(lab);
    argv.extend([cli.into(), "--connection".into(), layout.connection().into()]);
    write(&layout.dir.join("sendgate"), &format!("#!/bin/sh\nexec {} \"$@\"\n", line(&argv)))
}

/// `process NAME start|stop|kill`, for the coordinator and each agent.
pub(super) fn process(lab: &Lab, layout: &Layout, known: &[(String, Vec<OsString>)]) -> Result<(), SystemError> {
    let run = word(&layout.dir.join("run").into());
    let logs = word(&layout.dir.join("logs").into());
    let cases: String = known
        .iter()
        .map(|(name, argv)| {
            let mut whole = enter(lab);
            whole.extend(argv.iter().cloned());
            format!(
                "    {name}) setsid {} </dev/null >>{logs}/{name}.log 2>&1 & echo $! >{run}/{name} ;;\n",
                line(&whole)
            )
        })
        .collect();
    let names: Vec<_> = known.iter().map(|(name, _)| name.as_str()).collect();
    let text = format!(
        "#!/bin/sh\n# process NAME start|stop|kill; NAME is one of {names}\nset -eu\n\
         [ $# = 2 ] && [ -e {run}/\"$1\" ] || {{ sed -n 2p \"$0\"; exit 2; }}\n\
         pid=$(cat {run}/\"$1\")\n\
         # Until it is gone: what starts next needs its lock and its address.\n\
         gone() {{ while kill -0 \"$pid\" 2> /dev/null; do sleep 0.05; done; }}\n\
         case $2 in\n  stop) kill \"$pid\"; gone ;;\n  kill) kill -9 \"$pid\"; gone ;;\n\
         \x20 start)\n    case $1 in\n{cases}    esac ;;\n  *) sed -n 2p \"$0\"; exit 2 ;;\nesac\n",
        names = names.join(", ")
    );
    write(&layout.dir.join("process"), &text)
}
