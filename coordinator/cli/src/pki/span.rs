//! From when to when a certificate is valid.

use super::PkiError;
use jiff::{SignedDuration, Timestamp};
use std::str::FromStr;
use time::OffsetDateTime;

/// Certificates begin this much before they are made: a machine whose clock is a little behind would refuse one that
/// begins in what it takes for the future. Five minutes is also what Kerberos tolerates.
pub(super) const BACKDATED: SignedDuration = SignedDuration::from_mins(5);

/// The longest validity: a hundred years.
const LONGEST_HOURS: i64 = 36500 * 24;

/// How long a certificate is valid, such as `365d` or `12h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity(SignedDuration);

impl FromStr for Validity {
    type Err = PkiError;

    fn from_str(text: &str) -> Result<Self, PkiError> {
        let wrong = || PkiError::Validity { given: text.to_owned() };
        // Days are 24 hours here, which a certificate's end in UTC makes exact.
        let (digits, hours_each) = match (text.strip_suffix('d'), text.strip_suffix('h')) {
            (Some(days), _) => (days, 24),
            (_, Some(hours)) => (hours, 1),
            _ => return Err(wrong()),
        };
        let count: u32 = digits.parse().map_err(|_| wrong())?;
        let hours = i64::from(count) * hours_each;
        if !(1..=LONGEST_HOURS).contains(&hours) {
            return Err(wrong());
        }
        Ok(Self(SignedDuration::from_hours(hours)))
    }
}

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: OffsetDateTime,
    pub(super) until: OffsetDateTime,
}

impl Span {
    /// From a little before `now`.
    pub(super) fn lasting(now: Timestamp, validity: Validity) -> Result<Self, PkiError> {
        Self::until(now, now.saturating_add(validity.0).unwrap_or(Timestamp::MAX))
    }

    /// Up to a given moment; one in the past makes an expired certificate, which still begins before it ends.
    pub(super) fn until(now: Timestamp, until: Timestamp) -> Result<Self, PkiError> {
        let end = moment(until)?;
        let from = now.min(until).saturating_sub(BACKDATED).unwrap_or(Timestamp::MIN);
        Ok(Self { from: moment(from)?, until: end })
    }
}

fn moment(moment: Timestamp) -> Result<OffsetDateTime, PkiError> {
    let wrong = || PkiError::Moment { moment };
    if moment.as_second() < 0 {
        return Err(wrong());
    }
    OffsetDateTime::from_unix_timestamp(moment.as_second()).map_err(|_| wrong())
}
