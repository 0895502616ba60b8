"""A private instance of Mansio: PostgreSQL, BIND, resolver, nginx and the daemons in one directory on unprivileged ports.

The Makefile's run, start and stop use it by `python3 tools/instance` and the tests through tests/harness.
"""

from .instance import Instance
from .place import DEFAULT_PORT_BASE, InstanceError

__all__ = ["DEFAULT_PORT_BASE", "Instance", "InstanceError"]
