"""Serves live events, under aiohttp on uvloop. Loads no page before somebody watches one's rows."""

from __future__ import annotations

import gc

import uvloop
from aiohttp import web

from copydesk.web.listening import allow_open_files, listen_on
from copydesk.web.live import create_live_app
from copydesk.web.port import Runtime
from copydesk.web.proxies import LOOPBACK, Proxies


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
    app = create_live_app(runtime, proxies)
    # What lives as long as the process is not looked through again with every page that comes and goes.
    gc.collect()
    gc.freeze()
    return app
