"""Serves a seeded brand in each theme and has Lighthouse audit landing page, leaderboard and panel: scripts/lighthouse.

With --axe: axe-core on every page instead. Prints a table, or with --json one object; fails where a page stays below
what it must reach. Not part of the suite: a machine that does other things at the same time gives other figures.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[2]), str(HERE.parents[1]), str(HERE.parent), str(HERE)]

from axe_pages import walked  # noqa: E402
from browser_site import LiveRuntime, _Quiet, serving_live, themed  # noqa: E402 - found beside this folder, not in a package
from copydesk.db.migrate import migrate  # noqa: E402
from copydesk.stack import APP_ROLE, OWNER_ROLE, embedded_stack  # noqa: E402
from copydesk.web import create_app  # noqa: E402
from copydesk.web.database import db  # noqa: E402
from panel_site import hire  # noqa: E402
from site_seed import HOSTS, FakeRuntime, FixedClock, seed  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

BRAND = "aurora"
PAGES = {"landing": "/", "leaderboard": "/strategies", "panel": "/panel/brand"}
MUST = {"accessibility": 95, "best-practices": 95, "performance": 90}


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--json", action="store_true", help="print one object instead of a table")
    asked.add_argument("--themes", default="core,aurora,obsidian", help="which, with commas between")
    asked.add_argument("--pages", default=",".join(PAGES), help=f"which of {', '.join(PAGES)}")
    asked.add_argument("--axe", action="store_true", help="have axe-core look at every page instead")
    given = asked.parse_args()
    with ExitStack() as closing:
        folder = Path(tempfile.mkdtemp(prefix="copydesk-lighthouse-"))
        closing.callback(shutil.rmtree, folder, ignore_errors=True)
        stack = closing.enter_context(embedded_stack(folder / "stack", durable=False))
        assert stack.postgres is not None and stack.redis is not None
        migrate(stack.postgres.url(OWNER_ROLE, "postgres"))
        url = stack.postgres.url(APP_ROLE, "postgres")
        seeded = seed(url)
        staffed = FakeRuntime(url, themed(folder / "staffed", "core"), tenant_ids=seeded.tenant_ids)
        token = hire(staffed, "owner", BRAND, "Olga Owner")
        pages, looked_at = [], []
        for theme in given.themes.split(","):
            origin = closing.enter_context(serving(staffed, stack.redis.url, theme, folder))
            if given.axe:
                looked_at += [{**one, "theme": theme} for one in walked(origin, token)]
                continue
            pages += [
                {"name": f"{theme} {name}", "url": origin + PAGES[name], "session": token if name == "panel" else ""}
                for name in given.pages.split(",")
            ]
        if given.axe:
            return tell(looked_at, as_json=given.json)
        found = audited(pages)
    short = [one for one in found if any(one[what] < least for what, least in MUST.items())]
    sys.stdout.write((json.dumps({"pages": found, "ok": not short}) if given.json else table(found)) + "\n")
    return 1 if short else 0


def tell(looked_at: list[dict[str, Any]], *, as_json: bool) -> int:
    """Print what axe-core found; return the exit code."""
    wrong = [one for one in looked_at if one["wrong"]]
    lines = [f"{one['theme']} {one['page']}: {'; '.join(one['wrong'])}" for one in wrong]
    lines.append(f"{len(looked_at)} pages in light and dark, {len(wrong)} with something serious")
    said = json.dumps({"pages": looked_at, "ok": not wrong}) if as_json else "\n".join(lines)
    sys.stdout.write(said + "\n")
    return 1 if wrong else 0


@contextmanager
def serving(staffed: FakeRuntime, redis_url: str, theme: str, folder: Path) -> Iterator[str]:
    """Serve the brand in a theme from a thread, live events too; yields its origin."""
    listening = socket.create_server(("127.0.0.1", 0))
    runtime = LiveRuntime(
        staffed.database_url,
        themed(folder / theme, theme),
        redis_url=redis_url,
        tenant_ids=staffed.tenant_ids,
        live_port=listening.getsockname()[1],
    )
    runtime.identity_vault = staffed.identity_vault
    app = create_app(runtime, clock=FixedClock())
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with serving_live(runtime, listening):
            yield f"http://{HOSTS[BRAND]}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        with app.app_context():
            db.engine.dispose()


def audited(pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
    environ = {**os.environ, "CHROME_PATH": chromium}
    command = ["node", str(HERE / "audit.mjs")]
    done = subprocess.run(command, input=json.dumps(pages), env=environ, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def table(found: list[dict[str, Any]]) -> str:
    lines = [f"{'page':24}{'performance':>12}{'accessibility':>15}{'best practices':>16}{'KB':>7}  lost"]
    for one in found:
        figures = f"{one['performance']:12}{one['accessibility']:15}{one['best-practices']:16}"
        lines.append(
            f"{one['page']:24}{figures}{one.get('bytes', 0) / 1024:7.0f}  {one.get('failed') or '; '.join(one['lost'])}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
