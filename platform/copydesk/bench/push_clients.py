"""`bench push`, second part: many pages of as many people on one live process, and news that concern all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from copydesk.bench.crowd import BRAND
from copydesk.bench.figures import Figures, percentiles
from copydesk.bench.processes import cpu_s, rss_mb
from copydesk.bench.push_pages import Event, Pages, open_pages
from copydesk.bench.push_people import doors, followed_strategy, people
from copydesk.bench.push_roles import APART_S, PATIENCE_S, expect_port, host_of, pages_command
from copydesk.bootstrap import Runtime
from copydesk.db.migrate import migrate
from copydesk.kernel import Unavailable
from copydesk.stack import ROLES, RoleOptions, embedded_stack, role_environment, spawn, stop, wait_until
from copydesk.stack.process import leash

Say = Callable[[str], None]
_WARM_UP = 3


def run_clients(
    clients: int, news: int, options: RoleOptions, environ: Mapping[str, str], pages: Sequence[str], say: Say
) -> Figures:
    """Open so many pages, tell so many news, and return how long each page waited for each."""
    with ExitStack() as cleanup:
        stack = cleanup.enter_context(embedded_stack(options.var_dir, say=say))
        migrate(stack.owner_url)
        environment = role_environment(environ, stack, options, lab=False)
        runtime = Runtime(environment)
        cleanup.callback(runtime.close)
        everybody = people(runtime, clients)
        strategy_id = followed_strategy(runtime)
        role = next(role for role in ROLES if role.name == "live")
        live = spawn([*leash("KILL"), *role.argv(options)], stack.var.log / "live.log", env=environment)
        cleanup.callback(stop, live)
        expect_port(options.live_port, "live")
        empty_mb, begun_s = rss_mb(live.pid), time.monotonic()
        say(f"opening {clients:,} pages")
        command = pages_command(options, pages)
        opening = open_pages(command, host_of(runtime), options.live_port, doors(runtime, everybody))
        listening = cleanup.enter_context(opening)
        opened_s = time.monotonic() - begun_s
        for _ in range(_WARM_UP):
            _told(runtime, listening, strategy_id)
        used_s = cpu_s(live.pid)
        waits = [wait for _ in range(news) for wait in _told(runtime, listening, strategy_id)]
        return {
            "clients": clients,
            "news": news,
            **percentiles("news_to_clients", waits),
            "live_cpu_us_per_event": round((cpu_s(live.pid) - used_s) / len(waits) * 1e6, 1),
            "live_open_s": round(opened_s, 1),
            "live_empty_mb": round(empty_mb, 1),
            "live_rss_mb": round(rss_mb(live.pid), 1),
        }


def _told(runtime: Runtime, listening: Pages, strategy_id: int) -> list[float]:
    """Tell news that concern everybody once, and return how long each page waited, in ms."""
    heard: list[Event] = []

    def complete() -> bool:
        heard.extend(one for one in listening.heard() if one.name == "equity")
        return len(heard) >= listening.opened

    time.sleep(APART_S)
    told_ms = time.time() * 1000
    runtime.announce(runtime.tenant_ids[BRAND], {"type": "figures", "strategy_id": strategy_id})
    # Asking takes from what is measured: not before everybody can have heard.
    time.sleep(1)
    if not wait_until(complete, patience_s=PATIENCE_S, poll_s=0.5):
        raise Unavailable(f"{len(heard)} of {listening.opened} pages heard the news; see log/live.log")
    return [one.at_ms - told_ms for one in heard]
