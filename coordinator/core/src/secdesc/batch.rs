//! One question about a right and its answer, as text: what `sendgate rights --batch` reads and prints per line.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::access::{Token, decide};
use super::{ParseError, SddlError, SecurityDescriptor};
use crate::guid::{Guid, GuidError};
use crate::sid::{Sid, SidError};

/// The word that stands for the GUID of Send As.
const SEND_AS: &str = "send-as";

/// One question. Strings are read by [`judge`], so that an error can say which one is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The binary descriptor in base64; the caller decodes it.
    #[serde(default)]
    pub sd: Option<String>,
    /// The descriptor as SDDL, used where `sd` is absent.
    #[serde(default)]
    pub sddl: Option<String>,
    /// The SIDs that the account holds for certain.
    pub token: Vec<String>,
    /// The SIDs that it perhaps holds: these may deny, never allow.
    #[serde(default)]
    pub uncertain: Vec<String>,
    /// The object's own SID.
    #[serde(rename = "self")]
    pub object_self: String,
    /// The right's GUID, or `send-as`.
    pub right: String,
}

/// The answer to a [`Question`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether the token has the right.
    pub granted: bool,
    /// The entry that decided, if one did.
    pub deciding: Option<AnswerEntry>,
}

/// The deciding entry of an [`Answer`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerEntry {
    /// Its index in the DACL, from 0.
    pub index: usize,
    /// The entry as SDDL.
    pub ace: String,
}

/// Which part of a question is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuestionError {
    /// Neither form of the descriptor is given.
    #[error("the question has neither \"sd\" nor \"sddl\": give the security descriptor in one of them")]
    NoDescriptor,
    /// `sd` is not base64.
    #[error("\"sd\" cannot be decoded: {0}; it must be base64")]
    Base64(String),
    /// `sd` is no descriptor.
    #[error("\"sd\" is not a security descriptor: {0}")]
    Descriptor(#[from] ParseError),
    /// `sddl` is no SDDL.
    #[error("\"sddl\" cannot be read: {0}")]
    Sddl(#[from] SddlError),
    /// A SID of the token is none.
    #[error("{list:?} item {index} cannot be read: {source}")]
    Token {
        /// `token` or `uncertain`.
        list: &'static str,
        /// Its index, from 0.
        index: usize,
        /// What is wrong with it.
        source: SidError,
    },
    /// The object's SID is none.
    #[error("\"self\" cannot be read: {0}")]
    ObjectSelf(SidError),
    /// The right is neither a GUID nor `send-as`.
    #[error("\"right\" cannot be read: {0}, or send-as")]
    Right(GuidError),
}

/// Answers one question; `decode` turns base64 into bytes, or says what is wrong with it.
///
/// Domain-relative aliases in SDDL (`DA`, `EA`, …) are taken in the domain of the object's own SID, where it has one.
///
/// # Errors
/// Names the part of the question that cannot be read.
pub fn judge(
    question: &Question,
    decode: impl FnOnce(&str) -> Result<Vec<u8>, String>,
) -> Result<Answer, QuestionError> {
    let object_self: Sid = question.object_self.parse().map_err(QuestionError::ObjectSelf)?;
    let sd = match (&question.sd, &question.sddl) {
        (Some(sd), _) => SecurityDescriptor::parse(&decode(sd).map_err(QuestionError::Base64)?)?,
        (None, Some(sddl)) => SecurityDescriptor::from_sddl(sddl, object_self.domain().as_ref())?,
        (None, None) => return Err(QuestionError::NoDescriptor),
    };
    let right = match question.right.as_str() {
        SEND_AS => Guid::SEND_AS,
        other => other.parse().map_err(QuestionError::Right)?,
    };
    let token = Token { certain: sids("token", &question.token)?, uncertain: sids("uncertain", &question.uncertain)? };
    let decision = decide(&sd, &token, &right, &object_self);
    let deciding = decision.deciding.as_ref().map(|d| AnswerEntry { index: d.index, ace: d.ace.clone() });
    Ok(Answer { granted: decision.granted(), deciding })
}

fn sids(list: &'static str, texts: &[String]) -> Result<BTreeSet<Sid>, QuestionError> {
    let one =
        |(index, text): (usize, &String)| text.parse().map_err(|source| QuestionError::Token { list, index, source });
    texts.iter().enumerate().map(one).collect()
}
