//! The running program `sendgate-kerberos`: one for each connection that needs it.
//!
//! The Kerberos library is C, reads files that the environment names, and waits for key distribution centers as long
//! as it likes. In a process of its own it gets an environment of its own, is ended when its time is over, and takes
//! nobody with it when it falls.

use super::protocol::{MAX_FRAME, Order, Reply, frame_length};
use super::{Kerberos, Secret};
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Orders that wait: one from each direction of a connection.
const WAITING: usize = 2;

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::directory) enum Failure {
    #[error("{program} could not be started: {why}")]
    NotStarted { program: String, why: String },
    #[error("the program sendgate-kerberos ended or was not understood")]
    Ended,
    #[error("no answer within {}s", .0.as_secs_f32())]
    TimedOut(Duration),
    #[error("{0}")]
    Said(String),
}

type Asked = (Order, oneshot::Sender<Result<Reply, Failure>>);

/// A handle on the program. When the last one is dropped, the program is ended.
#[derive(Debug, Clone)]
pub(in crate::directory) struct Program {
    orders: mpsc::Sender<Asked>,
}

impl Program {
    /// Starts the program; each order may take as long as `limit`.
    pub(super) fn start(kerberos: &Kerberos, limit: Duration) -> Result<Self, Failure> {
        let not_started = |why: String| Failure::NotStarted { program: kerberos.program.display().to_string(), why };
        let mut command = Command::new(&kerberos.program);
        command.env_clear().envs(environment(kerberos)).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| not_started(error.to_string()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(not_started("it has no standard input and output".to_owned()));
        };
        let (orders, waiting) = mpsc::channel(WAITING);
        tokio::spawn(serve(child, input, output, waiting, limit));
        Ok(Self { orders })
    }

    /// A program that a test plays.
    #[cfg(test)]
    pub(super) fn played(mut reply: impl FnMut(Order) -> Reply + Send + 'static) -> Self {
        let (orders, mut waiting) = mpsc::channel::<Asked>(WAITING);
        tokio::spawn(async move {
            while let Some((order, answer)) = waiting.recv().await {
                let _ = answer.send(Ok(reply(order)));
            }
        });
        Self { orders }
    }

    /// One order and its reply.
    pub(super) async fn ask(&self, order: Order) -> Result<Reply, Failure> {
        let (answer, answered) = oneshot::channel();
        self.orders.send((order, answer)).await.map_err(|_| Failure::Ended)?;
        match answered.await {
            Ok(Ok(Reply::Failed(why))) => Err(Failure::Said(why)),
            Ok(reply) => reply,
            Err(_) => Err(Failure::Ended),
        }
    }

    /// An order whose reply is a message.
    pub(super) async fn message(&self, order: Order) -> Result<Vec<u8>, Failure> {
        match self.ask(order).await? {
            Reply::Message(message) => Ok(message),
            _ => Err(Failure::Ended),
        }
    }
}

/// What the Kerberos library reads of its environment. Tickets are kept in the program's memory only.
fn environment(kerberos: &Kerberos) -> Vec<(&'static str, OsString)> {
    let file = |path: &Path| {
        let mut name = OsString::from("FILE:");
        name.push(path);
        name
    };
    let mut variables = vec![("KRB5CCNAME", OsString::from("MEMORY:sendgate"))];
    match &kerberos.secret {
        Secret::Keytab(keytab) => variables.push(("KRB5_CLIENT_KTNAME", file(keytab))),
        Secret::Password(_) => {}
    }
    match &kerberos.configuration {
        Some(path) => variables.push(("KRB5_CONFIG", path.into())),
        None => variables.extend(std::env::var_os("KRB5_CONFIG").map(|value| ("KRB5_CONFIG", value))),
    }
    // The library's own trace, for whoever looks for a fault: it names no keys.
    variables.extend(std::env::var_os("KRB5_TRACE").map(|value| ("KRB5_TRACE", value)));
    variables
}

/// Passes orders on, one after the other. Ends, and with it the program, at the first order without a reply in time.
async fn serve(
    child: Child,
    mut input: ChildStdin,
    mut output: ChildStdout,
    mut waiting: mpsc::Receiver<Asked>,
    limit: Duration,
) {
    while let Some((order, answer)) = waiting.recv().await {
        let reply = match timeout(limit, exchange(&mut input, &mut output, &order)).await {
            Err(_) => Err(Failure::TimedOut(limit)),
            Ok(None) => Err(Failure::Ended),
            Ok(Some(reply)) => Ok(reply),
        };
        let over = reply.is_err();
        // Whoever asked may have gone.
        let _ = answer.send(reply);
        if over {
            break;
        }
    }
    drop(child);
}

async fn exchange(input: &mut ChildStdin, output: &mut ChildStdout, order: &Order) -> Option<Reply> {
    let order = order.encode();
    if order.len() > MAX_FRAME {
        return None;
    }
    // The program reads the whole order before it replies, so neither waits for the other.
    input.write_all(&order).await.ok()?;
    input.flush().await.ok()?;
    let mut start = [0; 4];
    output.read_exact(&mut start).await.ok()?;
    let mut frame = vec![0; frame_length(start).ok()?];
    output.read_exact(&mut frame).await.ok()?;
    Reply::decode(&frame).ok()
}

#[cfg(test)]
mod tests;
