"""Pure decisions that return their reasons: no I/O, no clock, no log, no task."""
