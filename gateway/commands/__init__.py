"""The subcommands of `jiesu`, one module each: ``add_to(parser)`` declares its arguments and the ``main`` that acts."""
