"""Builds the console: its one page, the month's statement as a file, and the way in and out."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, current_app, g, redirect, render_template, request, url_for
from redis import Redis
from redis.exceptions import RedisError

from copydesk.bootstrap.beat import RunningConfig, running_configs
from copydesk.db import Database
from copydesk.estate import Month, Promise, UsageLine, brand_states, brand_usage
from copydesk.estate.health import queue_depths
from copydesk.estate.passes import SESSION_LASTS, enter, leave, opens
from copydesk.estate.settings import CONSOLE_NETWORKS
from copydesk.estate.words import FIGURES
from copydesk.identity.access.networks import is_inside
from copydesk.kernel import Clock, SystemClock
from copydesk.tenancy import Tenant, installation_value
from copydesk.web.client import client_ip
from copydesk.web.clock import current_time
from copydesk.web.cookies import drop_cookie, read_cookie, set_cookie
from copydesk.web.errors import init_errors
from copydesk.web.headers import init_headers
from copydesk.web.port import Runtime
from copydesk.web.proxies import Proxies

_COOKIE = "console"
_HERE = Path(__file__).parent
# What may be asked for without a session: the way in, and how pages look.
_OPEN = frozenset({"door", "come_in", "static"})
_MONTHS = 12


def create_console(runtime: Runtime, *, clock: Clock | None = None) -> Flask:
    """Build the console's application; nothing is sent to a server yet."""
    app = Flask("copydesk.web.console", root_path=str(_HERE), static_url_path="/static")
    app.jinja_env.filters |= FIGURES
    app.extensions["copydesk_clock"] = clock or SystemClock()
    app.extensions["copydesk_console"] = Console(runtime)
    app.extensions["copydesk_proxies"] = Proxies(runtime.trusted_proxies)
    app.before_request(_require_admitted)
    init_headers(app)
    init_errors(app)
    app.add_url_rule("/enter", "door", _door, methods=["GET"])
    app.add_url_rule("/enter", "come_in", _come_in, methods=["POST"])
    app.add_url_rule("/leave", "go", _go, methods=["POST"])
    app.add_url_rule("/", "front", _front, methods=["GET"])
    app.add_url_rule("/usage.csv", "statement", _statement, methods=["GET"])
    return app


class Console:
    """What the pages read from."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.db = Database.connect(runtime.database_url, pool_size=1)
        self.redis = Redis.from_url(runtime.redis_url, socket_timeout=1.0, socket_connect_timeout=1.0)

    @property
    def brands(self) -> dict[str, Tenant]:
        """Return the brands that are served now, by slug."""
        self.runtime.directory.refresh_if_due()
        return {tenant.slug: tenant for tenant in self.runtime.directory.all()}


def _console() -> Console:
    console: Console = current_app.extensions["copydesk_console"]
    return console


def _require_admitted() -> Response | None:
    """Let in who asks from the operator's networks with a session; everybody else finds nothing here."""
    g.pop("site", None)
    allowed = installation_value(_console().runtime.directory.defaults, CONSOLE_NETWORKS, list)
    if not is_inside(client_ip(), allowed):
        abort(404)
    if request.endpoint in _OPEN or request.endpoint is None:
        return None
    with _console().db.installation() as session:
        if opens(session, read_cookie(_COOKIE), at=current_time()):
            return None
    return _page("outside.html", status=401)


def _door() -> Response:
    """Show a button: what only looks at a link, as previews do, must not use it up."""
    return _page("door.html", token=request.args.get("token", ""))


def _come_in() -> Response:
    with _console().db.installation() as session:
        entered = enter(session, request.form.get("token", ""), ip=client_ip(), at=current_time())
    if entered is None:
        return _page("outside.html", status=403, used=True)
    answer = _to_front()
    set_cookie(answer, _COOKIE, entered[0], age_s=int(SESSION_LASTS.total_seconds()))
    return answer


def _go() -> Response:
    with _console().db.installation() as session:
        leave(session, read_cookie(_COOKIE), at=current_time())
    answer = _to_front()
    drop_cookie(answer, _COOKIE)
    return answer


def _to_front() -> Response:
    return current_app.make_response(redirect(url_for("front"), code=303))


def _front() -> Response:
    console, now = _console(), current_time()
    month = _asked_month()
    brands = console.brands
    states = list(brand_states(console.db, Promise.of(console.runtime.directory.defaults), at=now))
    months = [Month.of(now)]
    while len(months) < _MONTHS:
        months.append(months[-1].before)
    usage = brand_usage(console.db, month)
    return _page(
        "front.html",
        states=states,
        brands=brands,
        depths=queue_depths(console.redis, [state.tenant_id for state in states]),
        roles=_roles(console.redis),
        problems=console.runtime.directory.problems(),
        revision=console.runtime.directory.revision_hash,
        month=month,
        months=months,
        lines=[line for slug, used in usage.items() for line in UsageLine.lines(slug, month, used)],
        now=now,
    )


def _roles(redis: Redis) -> list[RunningConfig]:
    try:
        return running_configs(redis)
    except RedisError:
        return []


def _statement() -> Response:
    """Give a month's statement as a file for spreadsheets."""
    month = _asked_month()
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(UsageLine._fields)
    for slug, used in brand_usage(_console().db, month).items():
        rows.writerows(UsageLine.lines(slug, month, used))
    answer = current_app.make_response(text.getvalue())
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="usage-{month}.csv"'
    return answer


def _asked_month() -> Month:
    asked = request.args.get("month", "")
    return Month.parse(asked) if asked else Month.of(current_time())


def _page(template: str, *, status: int = 200, **values: Any) -> Response:
    answer = current_app.make_response(render_template(template, **values))
    answer.status_code = status
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
