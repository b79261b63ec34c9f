//! `coverage DOMAIN`: the head with the numbers, then the lines as they come.

use crate::args::Output;
use crate::connection::Client;
use crate::errors::{Exit, Failure};
use crate::{output, tables};
use sendgate_core::names::DomainName;
use sendgate_core::view::{CoverageView, UserLine};
use sendgate_proto::v1::coverage_part::Part;
use sendgate_proto::v1::{CoveragePart, CoverageRequest};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tonic::Streaming;

/// Names the view in errors.
const VIEW: &str = "coverage";

pub(crate) async fn run(client: &Client, form: Output, domain: DomainName, mailboxes: bool) -> Result<Exit, Failure> {
    let mut parts = client.coverage(CoverageRequest { domain: domain.into(), mailboxes }).await?;
    match form {
        Output::Csv => csv(client, &mut parts).await?,
        Output::Table => {
            let (mut view, users): (CoverageView, Vec<UserLine>) = all(client, &mut parts).await?;
            view.users = users;
            output::text(&tables::coverage::table(&view))?;
        }
        // As it came, with what this version does not know.
        Output::Json => {
            let (mut view, users): (Value, Vec<Value>) = all(client, &mut parts).await?;
            let Some(fields) = view.as_object_mut() else { return Err(unreadable("its head is no object")) };
            fields.insert("users".to_owned(), users.into());
            output::json(&view)?;
        }
    }
    Ok(Exit::Good)
}

/// The head and all lines; a report whose head never came is none.
async fn all<Head: DeserializeOwned, Line: DeserializeOwned>(
    client: &Client,
    parts: &mut Streaming<CoveragePart>,
) -> Result<(Head, Vec<Line>), Failure> {
    let (mut head, mut lines) = (None, Vec::new());
    while let Some(part) = client.next(parts).await? {
        match part.part {
            Some(Part::Head(json)) => head = Some(read(&json)?),
            Some(Part::Users(json)) => lines.extend(read::<Vec<Line>>(&json)?),
            None => {}
        }
    }
    Ok((head.ok_or_else(|| unreadable("it ended before its head"))?, lines))
}

/// RFC 4180, line by line as they come: a report of any size needs no memory here.
async fn csv(client: &Client, parts: &mut Streaming<CoveragePart>) -> Result<(), Failure> {
    // The lock is not held over an await: each part is written by itself.
    let mut begun = false;
    while let Some(part) = client.next(parts).await? {
        let rows = match part.part {
            Some(Part::Head(json)) => {
                begun = true;
                // Beside the rows: whoever reads them must not take them for everybody.
                let head: CoverageView = read(&json)?;
                head.not_known.iter().for_each(|why| output::beside(&format!("not known: {why}")));
                vec![tables::coverage::COLUMNS.map(ToOwned::to_owned)]
            }
            Some(Part::Users(json)) => read::<Vec<UserLine>>(&json)?.iter().map(tables::coverage::row).collect(),
            None => Vec::new(),
        };
        output::csv(&rows)?;
    }
    if begun { Ok(()) } else { Err(unreadable("it ended before its head")) }
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(why: &str) -> Failure {
    Failure::Answer { view: VIEW, why: why.to_owned() }
}
