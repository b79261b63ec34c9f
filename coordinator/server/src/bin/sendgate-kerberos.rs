//! `sendgate-kerberos`: holds the Kerberos library for one connection of the coordinator, which starts and ends it.
//!
//! Orders come in on standard input, replies go out on standard output; `directory::kerberos::protocol` says how. What
//! else the library needs to know (keytab, krb5.conf) stands in the environment that the coordinator gave it.

use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext as _};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_NT_KRB5_PRINCIPAL, OidSet};
use sendgate_coordinator::directory::kerberos::protocol::{Begin, Order, Reply, next_order, send_reply};
use std::io::{IsTerminal as _, stdin, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    if stdin().is_terminal() {
        eprintln!("sendgate-kerberos: this program is started by sendgate-coordinator; there is nothing to do by hand");
        return ExitCode::FAILURE;
    }
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sendgate-kerberos: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> std::io::Result<()> {
    let (mut input, mut output) = (stdin().lock(), stdout().lock());
    let mut context = None;
    while let Some(order) = next_order(&mut input)? {
        let reply = obey(&mut context, order).unwrap_or_else(Reply::Failed);
        send_reply(&mut output, &reply)?;
    }
    Ok(())
}

/// A context, and what it must be able to do.
struct Context {
    client: ClientCtx,
    seal: bool,
    channel_binding: Option<Vec<u8>>,
}

fn obey(context: &mut Option<Context>, order: Order) -> Result<Reply, String> {
    if let Order::Begin(begin) = order {
        return context.insert(made(&begin)?).step(None);
    }
    let context = context.as_mut().ok_or("there is no context yet")?;
    if let Order::Token(token) = order {
        return context.step(Some(&token));
    }
    if !context.client.is_complete() {
        return Err("the context is not complete".to_owned());
    }
    let message = match order {
        Order::Sign(message) => context.client.wrap(false, &message),
        Order::Seal(message) => context.client.wrap(true, &message),
        Order::Open(message) => context.client.unwrap(&message),
        Order::Begin(_) | Order::Token(_) => return Err("out of order".to_owned()),
    };
    message.map(|message| Reply::Message(message.to_vec())).map_err(|error| said(&error))
}

fn made(begin: &Begin) -> Result<Context, String> {
    let failed = |error: libgssapi::error::Error| said(&error);
    let mut mechanisms = OidSet::new();
    mechanisms.add(GSS_MECH_KRB5).map_err(failed)?;
    let principal = Name::new(begin.principal.as_bytes(), Some(GSS_NT_KRB5_PRINCIPAL)).map_err(failed)?;
    let credential = match &begin.password {
        None => Cred::acquire(Some(&principal), None, CredUsage::Initiate, Some(&mechanisms)),
        Some(password) => {
            Cred::acquire_with_password(Some(&principal), password, None, CredUsage::Initiate, Some(&mechanisms))
        }
    };
    // An empty realm leaves it to the principal's own realm to say where the service is. A name of the kind "host
    // based" would be looked up in DNS first, and whoever answers there could choose the server.
    let service = Name::new(format!("{}@", begin.service).as_bytes(), Some(GSS_NT_KRB5_PRINCIPAL)).map_err(failed)?;
    let mut flags = CtxFlags::GSS_C_MUTUAL_FLAG | CtxFlags::GSS_C_SEQUENCE_FLAG;
    if begin.seal {
        // Not asked for without need: some servers refuse a context that could seal where TLS seals already.
        flags |= CtxFlags::GSS_C_INTEG_FLAG | CtxFlags::GSS_C_CONF_FLAG;
    }
    let client = ClientCtx::new(Some(credential.map_err(failed)?), service, flags, Some(GSS_MECH_KRB5));
    Ok(Context { client, seal: begin.seal, channel_binding: begin.channel_binding.clone() })
}

impl Context {
    fn step(&mut self, token: Option<&[u8]>) -> Result<Reply, String> {
        let next = self.client.step(token, self.channel_binding.as_deref()).map_err(|error| said(&error))?;
        let next = next.map(|token| token.to_vec()).unwrap_or_default();
        if !self.client.is_complete() {
            return Ok(Reply::More(next));
        }
        let agreed = self.client.flags().map_err(|error| said(&error))?;
        if !agreed.contains(CtxFlags::GSS_C_MUTUAL_FLAG) {
            return Err("the server did not prove itself".to_owned());
        }
        if self.seal && !agreed.contains(CtxFlags::GSS_C_CONF_FLAG | CtxFlags::GSS_C_INTEG_FLAG) {
            return Err("the server does not offer to seal messages".to_owned());
        }
        Ok(Reply::Complete(next))
    }
}

/// The library's text, for the log and the operator. What Kerberos says stands in parentheses; GSSAPI's own sentence
/// before it is the same for a wrong password, a missing keytab and a clock that is off.
fn said(error: &libgssapi::error::Error) -> String {
    let text: String = error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let reason = text.split_once(" (").and_then(|(_, rest)| rest.strip_suffix(')'));
    match reason {
        Some(reason) if error.minor != 0 && !reason.is_empty() => reason.to_owned(),
        _ => text,
    }
}
