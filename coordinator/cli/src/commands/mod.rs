//! What each command does. Those that ask the coordinator get a [`Client`]; the others never look for a connection.

pub(crate) mod coverage;
pub(crate) mod enforcement;
pub(crate) mod grants;
pub(crate) mod interventions;
pub(crate) mod journal;
pub(crate) mod requests;
pub(crate) mod rights;
pub(crate) mod rollouts;
pub(crate) mod survey;
pub(crate) mod verify;
pub(crate) mod views;

use crate::args::{Args, Command, Coordinator, Gate, Goodlink, Grants, Held, Journal, Output, Rollout, Survey};
use crate::connection::{Client, Connection};
use crate::errors::{Exit, Failure};
use crate::output::{self, Form};

/// Carries out one command.
pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    let form = match args.output {
        // Only `coverage` is asked for CSV, and it looks for itself.
        Output::Table | Output::Csv => Form::Table,
        Output::Json => Form::Json,
    };
    let command = match args.command {
        Command::Rights { batch } => return rights::run(&batch),
        Command::Enforcement { version } => return enforcement::run(form, version),
        Command::Pki(command) => return pki(form, &command),
        command => command,
    };
    let connection = Connection::read(args.connection)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
    runtime.block_on(async {
        let client = Client::connect(&connection).await?;
        match command {
            Command::Coverage { domain, mailboxes, .. } => coverage::run(&client, args.output, domain, mailboxes).await,
            command => ask(&client, form, command).await,
        }
    })
}

/// The files that were written, one a line.
fn pki(form: Form, command: &crate::pki::PkiCommand) -> Result<Exit, Failure> {
    let files = crate::pki::run(command)?;
    match form {
        Form::Json => output::json(&serde_json::json!({ "written": files.lines().collect::<Vec<_>>() }))?,
        Form::Table => output::text(&files)?,
    }
    Ok(Exit::Good)
}

async fn ask(client: &Client, form: Form, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Status => views::status(client, form).await,
        Command::Hosts => views::hosts(client, form).await,
        Command::Domains => views::domains(client, form).await,
        Command::Explain { user, all } => views::explain(client, form, user, all).await,
        Command::Survey(Survey::Run { domain, watch }) => survey::run(client, form, domain, watch).await,
        Command::Plan { rollout: None } => views::plan(client, form).await,
        Command::Plan { rollout: Some(rollout) } => rollouts::plan(client, form, &rollout).await,
        Command::Grants { command: None } => views::grants(client, form).await,
        Command::Grants { command: Some(Grants::Advise { domain }) } => grants::advise(client, form, domain).await,
        Command::Grants { command: Some(Grants::Undo { grant, reason }) } => {
            grants::undo(client, form, grant, reason).await
        }
        Command::Grants { command: Some(Grants::Redo { grant, reason }) } => {
            grants::redo(client, form, grant, reason).await
        }
        Command::Approve { subject } => grants::approve(client, form, subject).await,
        Command::Revoke { subject } => grants::revoke(client, form, subject).await,
        Command::Gate(Gate::Check { subject }) => views::gate(client, form, subject).await,
        Command::Rollout(Rollout::Show { name }) => views::rollout(client, form, name).await,
        Command::Rollout(Rollout::Why { name, host }) => views::why(client, form, name, host).await,
        Command::Rollout(Rollout::Apply { file }) => rollouts::apply(client, form, &file).await,
        Command::Rollout(Rollout::Lint { file }) => rollouts::lint(client, form, &file).await,
        Command::Rollout(Rollout::Remove { name, reason }) => rollouts::remove(client, form, name, reason).await,
        Command::Rollout(Rollout::Start { name, reason }) => {
            requests::start(client, form, name, reason.unwrap_or_default()).await
        }
        Command::Rollout(Rollout::Abort { name, reason }) => requests::abort(client, form, name, reason).await,
        Command::Rollout(Rollout::Pause { name, reason }) => {
            interventions::hold(client, form, Held::Rollout { rollout: name, reason }).await
        }
        Command::Rollout(Rollout::Resume { name, reason }) => interventions::resume(client, form, name, reason).await,
        Command::Rollout(Rollout::Retry { name, host, reason }) => {
            interventions::retry(client, form, name, host, reason).await
        }
        Command::Rollout(Rollout::Skip { name, host, reason }) => {
            interventions::skip(client, form, name, host, reason).await
        }
        Command::Hold { held } => interventions::hold(client, form, held).await,
        Command::Release { held, of } => interventions::release(client, form, held, of).await,
        Command::Coordinator(Coordinator::Takeover { reason }) => interventions::takeover(client, form, reason).await,
        Command::Goodlink(Goodlink::Cancel { goodlink, reason }) => {
            interventions::cancel(client, form, goodlink, reason).await
        }
        Command::Goodlink(Goodlink::Restart { goodlink, reason }) => {
            interventions::restart(client, form, goodlink, reason).await
        }
        Command::Waive { user, reason, expires } => requests::waive(client, form, user, reason, expires).await,
        Command::Unwaive { user, reason } => interventions::unwaive(client, form, user, reason).await,
        Command::Journal(Journal::Show { from }) => journal::show(client, form, from).await,
        Command::Journal(Journal::Verify) => verify::run(client, form).await,
        // Answered by now.
        Command::Coverage { .. } | Command::Rights { .. } | Command::Enforcement { .. } | Command::Pki(_) => {
            Ok(Exit::Failed)
        }
    }
}
