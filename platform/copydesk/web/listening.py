"""What servers listen with: the socket, and as many open files as there may be."""

from __future__ import annotations

import resource
import socket
from contextlib import suppress

from copydesk.kernel import ConfigError

_BACKLOG = 1024


def allow_open_files() -> None:
    """Raise this process's limit of open files to what the system grants: every open page holds a socket."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS calls its limit infinite and then refuses infinity.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def listen_on(host: str, port: int) -> socket.socket:
    """Open the listening socket here, so that a busy port is one sentence and not a log of retries."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"cannot listen on {host} port {port}: {reason}; choose another with --port") from error
    return listening
