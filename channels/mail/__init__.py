"""E-mail: what comes in over SMTP or lies in a hosted mailbox, and what goes out to a smarthost."""
