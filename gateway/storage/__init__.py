"""What the gateway remembers: one database, one writer, one hash-chained journal."""
