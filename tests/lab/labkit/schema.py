"""The Exchange attributes that Sendgate reads, as an extension of the Active Directory schema.

Names and syntaxes are Exchange's; object identifiers under 1.3.6.1.4.1.99999 are the lab's own.
"""

UNICODE, DN, OCTETS, INTEGER, SID = ("2.5.5.12", 64), ("2.5.5.1", 127), ("2.5.5.10", 4), ("2.5.5.9", 2), ("2.5.5.17", 4)
# The OM object class of DN-valued attributes (MS-ADTS 3.1.1.2.2.2).
DN_CLASS = "oMObjectClass:: KwwCh3McAIVK\n"
OWN = "1.3.6.1.4.1.99999.77"

# name, object identifier, syntax
ATTRIBUTES = (
    ("mailNickname", "1.2.840.113556.1.2.447", UNICODE),
    ("homeMDB", "1.2.840.113556.1.2.244", DN),
    ("homeMTA", "1.2.840.113556.1.2.171", DN),
    ("msExchHomeServerName", f"{OWN}.1", UNICODE),
    ("msExchMailboxGuid", f"{OWN}.2", OCTETS),
    ("msExchMasterAccountSid", f"{OWN}.3", SID),
    ("msExchUserAccountControl", f"{OWN}.4", INTEGER),
)
AUXILIARY_CLASS = "msExchMailStorage"
UPDATE_NOW = "dn:\nchangetype: modify\nreplace: schemaUpdateNow\nschemaUpdateNow: 1\n\n"


def attributes(schema_dn):
    """LDIF that adds the attributes, all of them in the global catalog, as Exchange has them."""
    ldif = ""
    for name, oid, (syntax, om) in ATTRIBUTES:
        ldif += (
            f"dn: CN={name},{schema_dn}\nchangetype: add\nobjectClass: attributeSchema\ncn: {name}\n"
            f"lDAPDisplayName: {name}\nadminDisplayName: {name}\nattributeID: {oid}\nattributeSyntax: {syntax}\n"
            f"oMSyntax: {om}\nisSingleValued: TRUE\nsearchFlags: 1\nisMemberOfPartialAttributeSet: TRUE\n"
            f"{DN_CLASS if om == 127 else ''}\n"
        )
    return ldif


def auxiliary_class(schema_dn):
    """LDIF that adds the auxiliary class holding the attributes."""
    may = "".join(f"mayContain: {name}\n" for name, _, _ in ATTRIBUTES)
    return (
        f"dn: CN={AUXILIARY_CLASS},{schema_dn}\nchangetype: add\nobjectClass: classSchema\ncn: {AUXILIARY_CLASS}\n"
        f"lDAPDisplayName: {AUXILIARY_CLASS}\nadminDisplayName: {AUXILIARY_CLASS}\ngovernsID: {OWN}.100\n"
        f"objectClassCategory: 3\nsubClassOf: top\n{may}\n"
    )


def on_user(schema_dn):
    """LDIF that gives the class to User, and so to its subclass inetOrgPerson."""
    return (
        f"dn: CN=User,{schema_dn}\nchangetype: modify\nadd: auxiliaryClass\nauxiliaryClass: {AUXILIARY_CLASS}\n\n"
    )
