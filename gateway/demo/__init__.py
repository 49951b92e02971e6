"""The demonstration (`jiesu demo`): the gateway on this machine, two calls and four letters."""
