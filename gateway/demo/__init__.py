"""The demonstration (`jiesu demo`): the gateway on this machine, desk telephones that are not ours, and two calls."""
