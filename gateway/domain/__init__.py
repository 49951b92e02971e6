"""Pure values and state tables: no I/O, no clock, no logging; time is always an argument."""
