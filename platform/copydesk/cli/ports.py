"""Free ports for stages that run beside others."""

from __future__ import annotations

import socket


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens now, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
