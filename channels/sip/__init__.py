"""SIP (RFC 3261): a sans-I/O core and the thin asyncio shells around it."""
