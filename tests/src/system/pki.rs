//! Certificates, made by the operator's command.

use super::{Binaries, LISTEN, Layout, Plan, SystemError, TLS_NAME, cli};
use crate::lab::Lab;

pub(super) fn make(lab: &Lab, binaries: &Binaries, layout: &Layout, plan: &Plan) -> Result<(), SystemError> {
    todo!()
}
