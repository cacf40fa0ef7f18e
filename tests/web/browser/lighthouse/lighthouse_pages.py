"""Serves a seeded brand in each theme and has Lighthouse audit its pages as a phone loads them: scripts/lighthouse.

With --axe: axe-core on every page of every role instead. Prints a table, or with --json one object; fails where a page
stays below what it must reach. Not part of the suite: a machine that does other things gives other figures.

Examples:
  scripts/lighthouse --themes core --pages home,terminal
  scripts/lighthouse --axe --roles follower,guest
  scripts/lighthouse --axe --locale ar --themes obsidian --json
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from served import THEMES, Sites, seeded_sites  # isort: skip - it also says where the rest is found

from axe_pages import RIGHT_TO_LEFT, walked
from inhabitants import ROLES, World
from strolling import chromium

HERE = Path(__file__).parent
PAGES = (
    "landing",
    "leaderboard",
    "strategy",
    "home",
    "one",
    "copy",
    "activity",
    "notices",
    "studio",
    "terminal",
    "panel",
)
MUST = {"accessibility": 95, "best-practices": 95, "performance": 90}


def places(world: World) -> Mapping[str, tuple[str, str]]:
    """Name the audited pages: who looks, and the address."""
    return {
        "landing": ("visitor", "/"),
        "leaderboard": ("visitor", "/strategies"),
        "strategy": ("visitor", f"/strategies/{world.strategy}"),
        "home": ("follower", "/home"),
        "one": ("follower", f"/copying/{world.subscription_id}"),
        "copy": ("guest", "/strategies/both-ways/copy"),
        "activity": ("follower", "/activity"),
        "notices": ("follower", "/notices"),
        "studio": ("trader", f"/studio/{world.led}"),
        "terminal": ("trader", f"/terminal/{world.terminal_id}"),
        "panel": ("owner", "/panel/brand"),
    }


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--json", action="store_true", help="print one object instead of a table")
    asked.add_argument("--themes", default=",".join(THEMES), help="which, with commas between")
    asked.add_argument("--pages", default=",".join(PAGES), help=f"what Lighthouse audits, of {', '.join(PAGES)}")
    asked.add_argument("--axe", action="store_true", help="have axe-core look at every page of every role instead")
    asked.add_argument("--roles", default=",".join(ROLES), help=f"with --axe: who looks, of {', '.join(ROLES)}")
    asked.add_argument(
        "--locale", default="", help=f"with --axe: that language alone; {RIGHT_TO_LEFT} is right to left"
    )
    given = asked.parse_args()
    themes = given.themes.split(",")
    with seeded_sites() as sites:
        if given.axe:
            return tell(looked_at(sites, themes, given.roles.split(","), given.locale), as_json=given.json)
        found = audited(sites, themes, given.pages.split(","))
    short = [one for one in found if any(one[what] < least for what, least in MUST.items())]
    sys.stdout.write((json.dumps({"pages": found, "ok": not short}) if given.json else table(found)) + "\n")
    return 1 if short else 0


def looked_at(sites: Sites, themes: list[str], roles: list[str], locale: str) -> list[dict[str, Any]]:
    """Walk all pages in these themes, and once more from right to left unless one language is asked for."""
    looks = [(theme, locale or "en") for theme in themes]
    looks += [] if locale else [(themes[0], RIGHT_TO_LEFT)]
    with chromium() as browser:
        return [one for theme, said in looks for one in walked(browser, sites, roles, theme, locale=said)]


def tell(found: list[dict[str, Any]], *, as_json: bool) -> int:
    """Print what was wrong; return the exit code."""
    wrong = [one for one in found if one["wrong"]]
    if as_json:
        summary = {"looked_at": len(found), "wrong": len(wrong), "ok": not wrong}
        sys.stdout.write(json.dumps({**summary, "pages": wrong}) + "\n")
        return 1 if wrong else 0
    lines = [f"{one['theme']} {one['locale']} {one['role']} {one['page']}: {'; '.join(one['wrong'])}" for one in wrong]
    lines.append(f"{len(found)} pages, {len(wrong)} with something wrong")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if wrong else 0


def audited(sites: Sites, themes: list[str], names: list[str]) -> list[dict[str, Any]]:
    """Have Lighthouse audit these pages in these themes."""
    pages = []
    with ExitStack() as serving:
        for theme in themes:
            origin = serving.enter_context(sites.serving(theme))
            for name in names:
                role, path = places(sites.world)[name]
                pages.append({"name": f"{theme} {name}", "url": origin + path, "session": sites.world.tokens[role]})
        environ = {
            **os.environ,
            "CHROME_PATH": shutil.which("chromium") or shutil.which("chromium-browser") or "chromium",
        }
        command = ["node", str(HERE / "audit.mjs")]
        done = subprocess.run(
            command, input=json.dumps(pages), env=environ, stdout=subprocess.PIPE, text=True, check=True
        )
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
