"""Serves the two applications: sites under gunicorn with threads, live events under aiohttp on uvloop."""

from __future__ import annotations

import resource
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvloop
from aiohttp import web
from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from copydesk.kernel import ConfigError
from copydesk.web.app import create_app
from copydesk.web.client import LOOPBACK, Proxies
from copydesk.web.console import ConsoleGate, create_console
from copydesk.web.live import create_live_app
from copydesk.web.port import Runtime
from copydesk.web.post import Post

THREADS = 8
_BACKLOG = 1024
_GRACE_S = 5


class SitesServer(BaseApplication):  # type: ignore[misc]
    """Run the sites in worker processes; each builds its own runtime, so that no connection crosses a fork.

    Beside the pages each process sends the mail that waits.
    """

    def __init__(self, make_runtime: Callable[[], Runtime], options: dict[str, Any]) -> None:
        self._make_runtime = make_runtime
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        runtime = self._make_runtime()
        app = create_app(runtime)
        Post(app, runtime).start()
        sites = app.wsgi_app
        app.wsgi_app = ConsoleGate(sites, lambda: create_console(runtime), runtime.directory)  # type: ignore[method-assign]
        return app


def serve_sites(make_runtime: Callable[[], Runtime], *, host: str, port: int, workers: int) -> None:
    """Serve every brand until a signal to end; raises ConfigError when the port cannot be had."""
    listening = listen_on(host, port)
    options = {
        "bind": f"fd://{listening.fileno()}",
        "worker_class": "gthread",
        "workers": workers,
        "threads": THREADS,
        "graceful_timeout": _GRACE_S,
        "keepalive": 30,
        "loglevel": "warning",
        "control_socket_disable": True,
    }
    SitesServer(make_runtime, options).run()


def serve_live(runtime: Runtime, *, host: str, port: int, trusted_proxies: str = LOOPBACK) -> None:
    """Serve live events until a signal to end; raises ConfigError when the port cannot be had.

    `trusted_proxies` as gunicorn has it: whose X-Forwarded-For tells visitors apart.
    """
    proxies = Proxies(trusted_proxies)
    listening = listen_on(host, port)
    allow_open_files()
    loop = uvloop.new_event_loop()
    web.run_app(
        _live_app(runtime, proxies),
        sock=listening,
        loop=loop,
        print=None,
        access_log=None,
        shutdown_timeout=1,
        handler_cancellation=True,
    )


async def _live_app(runtime: Runtime, proxies: Proxies) -> web.Application:
    return create_live_app(runtime, proxies)


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
