"""Which application answers: the console on the operator's hosts, the brands' pages on all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from copydesk.estate.settings import CONSOLE_HOSTS
from copydesk.tenancy import installation_value
from copydesk.web.port import Directory

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ConsoleGate:
    """Pass requests for the operator's hosts on to the console, which is built for the first of them."""

    def __init__(self, sites: Wsgi, make_console: Callable[[], Wsgi], directory: Directory) -> None:
        self._sites = sites
        self._make_console = make_console
        self._directory = directory
        self._console: Wsgi | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        hosts = installation_value(self._directory.defaults, CONSOLE_HOSTS, list)
        if not hosts or _host(environ) not in hosts:
            return self._sites(environ, start_response)
        if self._console is None:
            self._console = self._make_console()
        return self._console(environ, start_response)


def _host(environ: dict[str, Any]) -> str:
    asked: str = environ.get("HTTP_HOST", "")
    return asked.strip().lower().partition(":")[0].rstrip(".")
