//! A coordinator that stops as soon as a request is filed: whoever asked is told its number all the same.

use super::{afterwards, form, grants, interventions, rollouts};
use crate::clock::{Clock, Machine};
use crate::driver::{Handle, Message, Stopped};
use sendgate_core::gate::World;
use sendgate_core::ledger::{Rollout, Sequence, Sha256};
use sendgate_core::names::OperatorName;
use sendgate_proto::v1::approval_request::Subject;
use sendgate_proto::v1::intervention::Act;
use sendgate_proto::v1::{
    Accepted, ApprovalRequest, DenyOverride, Estate, Hold, Intervention, Release, RolloutRequest, hold::What,
};
use std::sync::Arc;
use tokio::sync::mpsc;
use tonic::{Response, Status};

const REASON: &str = "the store is moved";

fn olga() -> OperatorName {
    "olga".parse().unwrap()
}

/// The way into a loop that ends once it has filed one request, with the number 7.
fn filing() -> Handle {
    let (messages, mut waiting) = mpsc::channel(1);
    tokio::spawn(async move {
        let Some(Message::Request { reply, .. }) = waiting.recv().await else { panic!("a request comes first") };
        reply.send(Ok(Sequence(7))).unwrap();
    });
    let clock = Clock::resume(None, Box::new(Machine));
    Handle::new(messages, Arc::default(), Arc::new(clock))
}

#[tokio::test]
async fn a_request_that_was_filed_is_answered_with_its_number() {
    let says = |answer: Result<Response<Accepted>, Status>, what: &str| {
        let Accepted { sequence, note, .. } = answer.unwrap().into_inner();
        let note_expected = "what there is to add is not known: the coordinator is stopping";
        assert_eq!((sequence, note.as_str()), (7, note_expected), "{what}");
    };
    let estate = || Hold { what: Some(What::Estate(Estate {})) };
    let acts = [
        ("hold", Act::Hold(estate())),
        ("release", Act::Release(Release { held: Some(estate()), of: String::new() })),
        ("resume", Act::Resume("march".to_owned())),
    ];
    for (what, act) in acts {
        let request = Intervention { reason: REASON.to_owned(), act: Some(act) };
        says(interventions::intervene(&filing(), olga(), request).await, what);
    }
    says(interventions::with_permits(&filing_gone().await, Ok(Sequence(7))).await, "abort and pause");
    let march = || RolloutRequest { name: "march".to_owned(), reason: REASON.to_owned() };
    says(rollouts::start(&filing(), olga(), march()).await, "start");
    let gone = filing_gone().await;
    let looked = |_: World<'_>, _: &Rollout, _: Sha256| panic!("nobody looks");
    let form = form::with_form(&gone, super::accepted(Sequence(7)), "march".parse().unwrap(), looked);
    says(form.await, "apply");
    for subject in [
        Subject::Rollout("march".to_owned()),
        Subject::DenyOverride(DenyOverride { user: "anna".to_owned(), account: "goodadmin".to_owned() }),
    ] {
        let request = ApprovalRequest { subject: Some(subject), reason: REASON.to_owned() };
        says(grants::revoke(&filing(), olga(), request).await, "revoke");
    }
}

/// The way into a loop that has ended.
async fn filing_gone() -> Handle {
    let handle = filing();
    let filed = handle.request(olga(), |_| panic!("this loop checks nothing")).await;
    assert_eq!(filed.unwrap(), Sequence(7));
    handle
}

#[test]
fn what_there_is_to_add_is_told_as_it_is() {
    assert_eq!(afterwards(Ok("held by otto as well".to_owned())), "held by otto as well");
    assert_eq!(afterwards(Err(Stopped)), "what there is to add is not known: the coordinator is stopping");
}
