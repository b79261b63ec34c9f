//! What to do about what the Kerberos library complains of. Its texts are MIT Kerberos's own; one that is not known
//! here is shown with the general advice.

/// A part of the library's text, and the advice. The first that fits is taken.
const KNOWN: [(&str, &str); 14] = [
    (
        "could not be started",
        "install sendgate-kerberos beside the coordinator; it is built with `cargo build -p sendgate-coordinator \
         --features kerberos`",
    ),
    (
        "no answer within",
        "check that the domain controllers of the principal's realm answer on port 88, or give the server a longer \
         operation_timeout",
    ),
    (
        "Clock skew too great",
        "set the clock of this machine and of the domain controllers by the same source: Kerberos allows five minutes",
    ),
    (
        "Cannot contact any KDC",
        "check that a domain controller of the principal's realm answers on port 88, and that krb5.conf or DNS \
         (_kerberos._tcp SRV records) names it",
    ),
    (
        "Cannot find KDC for realm",
        "name the realm's domain controllers in krb5.conf under [realms], or let DNS answer for _kerberos._tcp SRV \
         records, and check the realm's spelling",
    ),
    (
        "Can't find client principal",
        "give a keytab that can be read and holds a key of exactly this principal; `klist -ket FILE` shows what it \
         holds",
    ),
    (
        "no suitable keys",
        "give a keytab that can be read and holds a key of exactly this principal; `klist -ket FILE` shows what it \
         holds",
    ),
    (
        "Preauthentication failed",
        "the key is not the account's any more: its password was changed; make the keytab or the password file anew",
    ),
    (
        "Password incorrect",
        "the key is not the account's any more: its password was changed; make the keytab or the password file anew",
    ),
    (
        "Client '",
        "the account of this principal does not exist: write the account's name and the domain's name in capitals, \
         name@REALM",
    ),
    ("credentials have been revoked", "the account is disabled, locked or expired: unlock it in the directory"),
    (
        "Server not found",
        "no account carries the service principal ldap/NAME of this server: write the server's own full DNS name in \
         the configuration",
    ),
    (
        "no support for encryption type",
        "the account and the realm have no common encryption type: make the keytab with one that the domain \
         controllers know, and permit it in krb5.conf",
    ),
    ("does not offer to seal", "use security = \"starttls\" or \"ldaps\" for this server"),
];

/// Complaints of a key distribution center that has refused the account's own key or the account.
const REFUSALS: [&str; 3] = ["Preauthentication failed", "Password incorrect", "credentials have been revoked"];

const GENERAL: &str = "check principal, keytab and krb5.conf with `kinit -k -t KEYTAB PRINCIPAL` as the coordinator's \
                       user; KRB5_TRACE=/dev/stderr in the coordinator's environment shows each step";

/// Whether the account itself was refused.
pub(in crate::directory) fn refuses_the_account(complaint: &str) -> bool {
    REFUSALS.iter().any(|part| complaint.contains(part))
}

/// The advice.
pub(super) fn of(complaint: &str) -> &'static str {
    KNOWN.iter().find(|(part, _)| complaint.contains(part)).map_or(GENERAL, |(_, advice)| advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_complaint_has_its_own_advice() {
        for (complaint, advice) in [
            (
                "Keytab contains no suitable keys for sendgate@A.EXAMPLE.TEST",
                "give a keytab that can be read and holds a key of exactly this principal; `klist -ket FILE` shows what \
                 it holds",
            ),
            (
                "Client 'sendgate@A.EXAMPLE.TEST' not found in Kerberos database",
                "the account of this principal does not exist: write the account's name and the domain's name in \
                 capitals, name@REALM",
            ),
            // Not of an account that is not there, though it begins alike.
            (
                "Client's credentials have been revoked",
                "the account is disabled, locked or expired: unlock it in the directory",
            ),
            (
                "KDC has no support for encryption type",
                "the account and the realm have no common encryption type: make the keytab with one that the domain \
                 controllers know, and permit it in krb5.conf",
            ),
            ("the server does not offer to seal messages", "use security = \"starttls\" or \"ldaps\" for this server"),
            (
                "no answer within 60s",
                "check that the domain controllers of the principal's realm answer on port 88, or give the server a \
                 longer operation_timeout",
            ),
            (
                "Ticket expired",
                "check principal, keytab and krb5.conf with `kinit -k -t KEYTAB PRINCIPAL` as the coordinator's user; \
                 KRB5_TRACE=/dev/stderr in the coordinator's environment shows each step",
            ),
        ] {
            assert_eq!(of(complaint), advice, "{complaint}");
        }
    }
}
