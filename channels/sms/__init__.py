"""Short messages (短信): CMPP and SMPP centres, and the cloud vendors' HTTP, as one way in and out."""
