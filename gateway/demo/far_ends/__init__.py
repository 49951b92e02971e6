"""The far ends of the written channels, on the loopback: a short-message centre, a smarthost, Telegram's Bot API.

None of them shares code with what it meets. The demonstration writes through them; tests meet them, too.
"""
