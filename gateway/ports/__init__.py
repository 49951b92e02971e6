"""What the core needs of the world, as Protocols written from the caller's need.

Adapters do not inherit from these; each has a fake in ``tests/fakes`` and one contract suite that the
fake and every adapter pass. Failures cross a port only as the classes of `gateway.domain.errors`.
"""
