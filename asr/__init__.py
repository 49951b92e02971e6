"""Hearing: which Vosk model listens, the process it listens in, and the client that supervises it."""
