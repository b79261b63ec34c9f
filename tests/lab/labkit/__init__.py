"""The lab's own parts: a real Active Directory (Samba) of two domains in private network namespaces."""
