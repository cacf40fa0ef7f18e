"""Photographs every page of every role in each theme, wide and narrow, light and dark: scripts/screens.

The pictures are written to var/screens/<theme>/<width>-<scheme>/<role>-<page>.png, and var/screens/index.html shows
them side by side. What only a form leads to (acts.py) has "acts" in its address. From right to left (Arabic) they are
taken at 390 px in light. They are for people to look at, and are compared with nothing: fonts differ between machines.
The command ends with 1 where the server failed at a page, or one of its scripts did.

Examples:
  scripts/screens
  scripts/screens --themes obsidian --roles follower --pages home,activity
  scripts/screens --themes core --widths 390 --schemes dark
  scripts/screens --themes aurora --pages acts
"""

from __future__ import annotations

import argparse
import html
import shutil
import sys
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from served import THEMES, Sites, seeded_sites  # isort: skip - it also says where the rest is found

from acts import ACTS, acted
from inhabitants import ROLES
from playwright.sync_api import Browser
from site_seed import ROOT
from strolling import Seen, chromium, enter, paint, starts, stroll

FOLDER = ROOT / "var" / "screens"
WIDTHS, SCHEMES = (1280, 390), ("light", "dark")
ARABIC = "ar"
HEIGHT_MAX = 12_000


class Look(NamedTuple):
    """What a page is photographed in."""

    theme: str
    width: int
    schemes: tuple[str, ...]
    locale: str = "en"

    def folder(self, scheme: str) -> Path:
        return FOLDER / self.theme / f"{self.width}-{self.locale if self.locale != 'en' else scheme}"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--themes", default=",".join(THEMES), help="which, with commas between")
    asked.add_argument("--roles", default=",".join(ROLES), help="who looks, with commas between")
    asked.add_argument("--pages", default="", help="only pages whose address has one of these words in it")
    asked.add_argument("--widths", default=",".join(map(str, WIDTHS)), help="how wide, with commas between")
    asked.add_argument("--schemes", default=",".join(SCHEMES), help="light, dark, or both with a comma between")
    asked.add_argument("--no-arabic", action="store_true", help="leave the look from right to left out")
    given = asked.parse_args()
    schemes, themes = tuple(given.schemes.split(",")), given.themes.split(",")
    looks = [Look(theme, int(width), schemes) for theme in themes for width in given.widths.split(",")]
    looks += [] if given.no_arabic else [Look(theme, 390, ("light",), ARABIC) for theme in themes]
    wanted = [one for one in given.pages.split(",") if one]
    broken: list[str] = []
    with seeded_sites() as sites, chromium() as browser:
        for look in looks:
            for scheme in look.schemes if not wanted else ():
                shutil.rmtree(look.folder(scheme), ignore_errors=True)
            many = photographed(browser, sites, look, given.roles.split(","), wanted, broken)
            sys.stderr.write(f"{look.theme} {look.width} {look.locale}: {many} pictures\n")
    write_contact_sheet()
    sys.stdout.write(f"{FOLDER / 'index.html'}\n")
    sys.stderr.writelines(f"broken: {line}\n" for line in broken)
    return 1 if broken else 0


def photographed(
    browser: Browser, sites: Sites, look: Look, roles: list[str], wanted: list[str], broken: list[str]
) -> int:
    """Take pictures of these roles' pages in one look; returns how many. What two see alike is taken once.

    Adds to `broken` which pages the server failed at, or their own scripts.
    """
    known: set[str] = set()
    only_acts = bool(wanted) and all(one.startswith(ACTS) for one in wanted)
    size = {"width": look.width, "height": 900 if look.width > 600 else 780}
    taken = 0
    with sites.serving(look.theme, locale=look.locale) as origin:
        for role in roles:
            window = browser.new_context(viewport=size, reduced_motion="reduce", locale=look.locale)  # type: ignore[arg-type]
            page = enter(window, sites.world, role, origin)
            led = () if only_acts else stroll(page, origin, starts(sites.world, role), known)
            for seen in chain(led, acted(page, sites.world, role, origin)):
                if not wanted or any(one in seen.path for one in wanted):
                    sys.stderr.write(f"{look.theme} {look.width} {look.locale} {role} {seen.path}\n")
                    taken += shoot(seen, look, role)
                    failed = seen.failed or ((f"answers {seen.status}",) if seen.status >= 500 else ())
                    broken.extend(f"{look.theme} {role} {seen.path}: {why}" for why in failed)
            window.close()
    return taken


def shoot(seen: Seen, look: Look, role: str) -> int:
    """Photograph the open page in each scheme."""
    for scheme in look.schemes:
        paint(seen.page, scheme)
        path = look.folder(scheme) / f"{role}-{name_of(seen.path)}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        high = min(seen.page.evaluate("document.documentElement.scrollHeight"), HEIGHT_MAX)
        seen.page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": look.width, "height": high})
    return len(look.schemes)


def name_of(path: str) -> str:
    """Make a file's name of an address."""
    return "".join(one if one.isalnum() else "-" for one in path.strip("/"))[:80] or "front"


def write_contact_sheet() -> None:
    """List every picture there is, one row a page, with those of all looks beside each other."""
    rows: dict[str, list[Path]] = {}
    for path in sorted(FOLDER.glob("*/*/*.png")):
        rows.setdefault(path.stem, []).append(path.relative_to(FOLDER))
    parts = [
        "<!doctype html><meta charset=utf-8><title>Pages in every look</title>",
        "<style>body{font:14px system-ui;margin:1rem}section{display:flex;gap:8px;overflow-x:auto;align-items:start}"
        "figure{margin:0}img{height:420px;border:1px solid #999}figcaption{font-size:12px}</style>",
    ]
    for name, pictures in sorted(rows.items()):
        shown = "".join(
            f'<figure><a href="{html.escape(str(one))}"><img loading=lazy src="{html.escape(str(one))}" alt=""></a>'
            f"<figcaption>{html.escape(str(one.parent))}</figcaption></figure>"
            for one in pictures
        )
        parts.append(f"<h2>{html.escape(name)}</h2><section>{shown}</section>")
    (FOLDER / "index.html").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
