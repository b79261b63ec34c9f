//! Search filters (RFC 4515), put together from values that may hold anything.

/// `(attribute=value)` for a text.
pub(super) fn equals(attribute: &str, value: &str) -> String {
    format!("({attribute}={})", ldap3::ldap_escape(value))
}

/// `(attribute=value)` for bytes, each of them escaped.
pub(super) fn equals_bytes(attribute: &str, value: &[u8]) -> String {
    let value: String = value.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("({attribute}={value})")
}

/// `(attribute>=value)` for bytes, each of them escaped.
pub(super) fn at_least_bytes(attribute: &str, value: &[u8]) -> String {
    equals_bytes(attribute, value).replacen('=', ">=", 1)
}

/// `(attribute>=number)`.
pub(super) fn at_least(attribute: &str, number: u64) -> String {
    format!("({attribute}>={number})")
}

/// Groups that stand in tokens: LDAP_MATCHING_RULE_BIT_AND (MS-ADTS 3.1.1.3.4.4.1) with GROUP_TYPE_SECURITY_ENABLED
/// (MS-ADTS 2.2.12). The others are for mail alone.
pub(super) const SECURITY_GROUPS: &str = "(objectClass=group)(groupType:1.2.840.113556.1.4.803:=2147483648)";

/// At least one of them.
pub(super) fn any(filters: impl IntoIterator<Item = String>) -> String {
    format!("(|{})", filters.into_iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_filter_is_escaped() {
        let filter = equals("mail", "a*(b)\\c@müller.test");
        assert_eq!(filter, r"(mail=a\2a\28b\29\5cc@müller.test)");
        assert!(ldap3::parse_filter(filter).is_ok());
    }

    #[test]
    fn bytes_are_escaped_one_by_one() {
        assert_eq!(equals_bytes("objectSid", &[1, 0xff]), r"(objectSid=\01\ff)");
    }

    #[test]
    fn a_dn_with_parentheses_stays_one_value() {
        let filter = any([equals("member", "CN=Staff (all),DC=a"), equals("cn", "x")]);
        assert_eq!(filter, r"(|(member=CN=Staff \28all\29,DC=a)(cn=x))");
        assert!(ldap3::parse_filter(filter).is_ok());
        assert!(ldap3::parse_filter(format!("(&{SECURITY_GROUPS}{})", at_least("uSNChanged", 7))).is_ok());
    }
}
