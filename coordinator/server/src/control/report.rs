//! Coverage: the head with the numbers first, then the lines, some at a time, so that no message grows with the domain.

use super::{Parts, json, stopped};
use crate::driver::Handle;
use sendgate_core::names::DomainName;
use sendgate_core::view::{self, CoverageView, UserLine};
use sendgate_proto::v1::CoveragePart;
use sendgate_proto::v1::coverage_part::Part;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// Lines of one part: at up to 2 KB each, below the 4 MB that a gRPC message has by default.
const LINES: usize = 500;
/// Parts that wait for a reader who is slower than the coordinator.
const WAITING: usize = 4;
/// How often a sign of life is given while everybody with a mailbox is read; readers wait longer.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

type Sender = mpsc::Sender<Result<CoveragePart, Status>>;

/// Why nothing more is sent.
enum End {
    /// The reader is gone.
    Gone,
    /// It is told to the reader.
    Failed(Status),
}

pub(super) fn stream(driver: Handle, domain: DomainName, mailboxes: bool) -> Result<Parts<CoveragePart>, Status> {
    let (sender, parts) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let sent =
            if mailboxes { everybody(&driver, &domain, &sender).await } else { roster(&driver, domain, &sender).await };
        if let Err(End::Failed(status)) = sent {
            // The reader may be gone.
            let _ = sender.send(Err(status)).await;
        }
    });
    Ok(Box::pin(ReceiverStream::new(parts)))
}

async fn roster(driver: &Handle, domain: DomainName, sender: &Sender) -> Result<(), End> {
    let view =
        driver.look(move |world, _| view::coverage(world, &domain)).await.map_err(|end| End::Failed(stopped(end)))?;
    let (users, head) = (view.users, CoverageView { users: Vec::new(), ..view });
    send(sender, Part::Head(json(&head).map_err(End::Failed)?)).await?;
    for some in users.chunks(LINES) {
        lines(sender, some).await?;
    }
    Ok(())
}

async fn everybody(driver: &Handle, domain: &DomainName, sender: &Sender) -> Result<(), End> {
    let unavailable = |why: String| End::Failed(Status::unavailable(format!("{domain} cannot be read: {why}")));
    let survey = driver.survey(domain).ok_or_else(|| unavailable("it is not surveyed".to_owned()))?;
    let mut reading = std::pin::pin!(survey.everybody());
    let report = loop {
        match tokio::time::timeout(SIGN_OF_LIFE, &mut reading).await {
            Ok(report) => break report.map_err(|error| unavailable(error.to_string()))?,
            Err(_) => lines(sender, &[]).await?,
        }
    };
    let head = view::mailboxes(domain, &report);
    send(sender, Part::Head(json(&head).map_err(End::Failed)?)).await?;
    let report = std::sync::Arc::new(report);
    for from in (0..report.rows().len()).step_by(LINES) {
        let (domain, report) = (domain.clone(), std::sync::Arc::clone(&report));
        let some = driver.look(move |world, _| {
            let rows = report.rows().get(from..).unwrap_or_default();
            view::mailbox_lines(world, &domain, rows.get(..LINES).unwrap_or(rows))
        });
        lines(sender, &some.await.map_err(|end| End::Failed(stopped(end)))?).await?;
    }
    Ok(())
}

async fn lines(sender: &Sender, lines: &[UserLine]) -> Result<(), End> {
    send(sender, Part::Users(json(&lines).map_err(End::Failed)?)).await
}

async fn send(sender: &Sender, part: Part) -> Result<(), End> {
    sender.send(Ok(CoveragePart { part: Some(part) })).await.map_err(|_| End::Gone)
}
