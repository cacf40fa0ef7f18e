"""Asks the role of this container whether it serves: the image's HEALTHCHECK, `python -m copydesk.cli.probe`.

Web and live answer for themselves, of the lab we only know that it listens, and every other role is as well as the
servers that it works with. Which role it is stands in the command line of process 1.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from copydesk.bootstrap.addresses import read_addresses

PATIENCE_S = 4
_SITES = {"web": "8000", "live": "8001"}


def probe(words: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return what is wrong with the role of this command line, or nothing."""
    role = next((word for word in words if word in {*_SITES, "lab"}), "")
    host = _option(words, "--host", "127.0.0.1")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - nothing is bound here
    try:
        if role == "lab":
            socket.create_connection((host, int(_option(words, "--rest-port", "8010"))), PATIENCE_S).close()
        elif role:
            return _asked(host, int(_option(words, "--port", _SITES[role])))
        else:
            _reach_servers(environ)
    except (OSError, HTTPException) as error:
        return str(error) or type(error).__name__
    return ""


def _asked(host: str, port: int) -> str:
    connection = HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    finally:
        connection.close()
    return "" if status == 200 else f"/health answers {status}"


def _reach_servers(environ: Mapping[str, str]) -> None:
    import psycopg
    import redis

    try:
        if environ.get("DATABASE_URL"):
            psycopg.connect(environ["DATABASE_URL"], connect_timeout=PATIENCE_S).close()
        if environ.get("REDIS_URL"):
            with redis.Redis.from_url(environ["REDIS_URL"], socket_timeout=PATIENCE_S) as client:
                client.ping()
    except (psycopg.Error, redis.RedisError) as error:
        raise OSError(" ".join(str(error).split())) from error


def _option(words: Sequence[str], name: str, default: str) -> str:
    """Read an option as click does: `--port 80` or `--port=80`, the last one wins."""
    found = default
    for index, word in enumerate(words):
        if word == name and index + 1 < len(words):
            found = words[index + 1]
        elif word.startswith(f"{name}="):
            found = word.partition("=")[2]
    return found


if __name__ == "__main__":
    command = Path("/proc/1/cmdline").read_bytes().decode(errors="replace").split("\0")
    sys.exit(probe(command, os.environ | read_addresses(os.environ)) or 0)
