"""The console's side of jiesu: JSON interface, live messages, sign-in, and the page itself."""
