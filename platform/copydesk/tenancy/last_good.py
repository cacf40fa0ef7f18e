"""Keeps on disk what each brand was served from last, so that a process that starts over a bad file serves that too."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from copydesk.tenancy.document import digest_of
from copydesk.tenancy.model import Origin, Overrides, Tenant
from copydesk.tenancy.overlay import packed, unpacked


class Kept(NamedTuple):
    """What a brand was served from: the text of its file, and what its panel had set."""

    text: str
    overrides: Overrides


class LastGood:
    """One file per brand in a folder that may be deleted at any time; where it cannot be written nothing is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, tuple[str, int, str]] = {}

    def keep(self, brands: Iterable[Tenant]) -> None:
        """Write brands that are served from now on; one whose file has changed again already is left for later."""
        for tenant in brands:
            own, overrides = tenant.cascade.tenant, tenant.overrides
            mark = (own.digest, overrides.revision, overrides.hash)
            if self._kept.get(tenant.slug) == mark:
                continue
            with suppress(OSError, UnicodeDecodeError):
                text = tenant.path.read_text(encoding="utf-8-sig")
                if digest_of(text) == own.digest:
                    self._write(tenant.slug, _written(text, overrides))
                    self._kept[tenant.slug] = mark

    def read(self, slug: str) -> Kept | None:
        """Return what a brand was served from last, by whichever process; None where that is not known."""
        try:
            told = json.loads(self._place(slug).read_text(encoding="utf-8"))
            return Kept(str(told["text"]), _overrides(told["overrides"]))
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def forget_others(self, slugs: Collection[str]) -> None:
        """Delete what is kept of brands that are gone."""
        with suppress(OSError):
            for path in self._folder.glob("*.json"):
                if path.stem not in slugs:
                    path.unlink(missing_ok=True)

    def _write(self, slug: str, text: str) -> None:
        place = self._place(slug)
        with suppress(OSError):
            if place.read_text(encoding="utf-8") == text:
                return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = place.with_suffix(f".{os.getpid()}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(place)

    def _place(self, slug: str) -> Path:
        return self._folder / f"{slug}.json"


def _written(text: str, overrides: Overrides) -> str:
    told = {
        "revision": overrides.revision,
        "hash": overrides.hash,
        "values": packed(overrides.values),
        "origins": {key: [one.revision, one.author, one.at.isoformat()] for key, one in overrides.origins.items()},
    }
    return json.dumps({"text": text, "overrides": told}, ensure_ascii=False, sort_keys=True)


def _overrides(told: dict[str, Any]) -> Overrides:
    origins = {
        key: Origin(number, who, datetime.fromisoformat(at)) for key, (number, who, at) in told["origins"].items()
    }
    return Overrides(int(told["revision"]), str(told["hash"]), unpacked(told["values"]), origins)
