"""SMPP 3.4: Short Message Peer to Peer, between a service (ESME) and its message centre (SMSC)."""
