"""Use cases: what jiesu does with a contact, driven through the ports."""
