"""What a command finds running around it: servers that `copydesk up` keeps here, and the ports of its roles."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from itertools import pairwise

from copydesk.bootstrap import Installation
from copydesk.stack import PostgresServer, RedisServer, VarDir

# What a role itself listens on; web also takes the port of live events, which it only tells browsers.
_SERVED = ("--port", "--rest-port", "--ws-port")


def server_environment(installation: Installation, environ: Mapping[str, str]) -> dict[str, str]:
    """Add the embedded servers' addresses where the environment names none."""
    var = VarDir(installation.var.resolve())
    embedded = {"DATABASE_URL": PostgresServer(var).url(), "REDIS_URL": RedisServer(var).url}
    named = {name: value for name, value in environ.items() if value}
    return embedded | named | {"COPYDESK_ROOT": str(installation.root), "COPYDESK_VAR": str(var.root)}


def ports_of(command_line: str) -> list[str]:
    """Return the ports that a role listens on, as its command says."""
    return [value for flag, value in pairwise(shlex.split(command_line)) if flag in _SERVED]
