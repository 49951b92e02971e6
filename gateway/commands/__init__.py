"""The subcommands of `jiesu`, one module each: ``add_to(commands)`` declares it, ``main(arguments)`` carries it out."""
