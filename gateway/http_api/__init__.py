"""A JSON interface over HTTP, declared once: what the console and the public doors share."""
