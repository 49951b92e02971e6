"""The core of jiesu (接诉): a contact in, a ticket out."""
