"""Serves the sites, under gunicorn with threads."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from copydesk.web.app import create_app
from copydesk.web.console import ConsoleGate, create_console
from copydesk.web.listening import listen_on
from copydesk.web.port import Runtime
from copydesk.web.post import Post

THREADS = 8
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
        keep_out_of_collections()
        return app


def keep_out_of_collections() -> None:
    """Have what lives as long as the process not be looked through again while somebody waits for a page."""
    gc.collect()
    gc.freeze()


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
