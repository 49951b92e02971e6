"""Short messages over the cloud vendors' HTTP: what they take, what they call us with, and how each signs."""
