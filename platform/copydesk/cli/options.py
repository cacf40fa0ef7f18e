"""Option types that several commands share."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import click

PORT = click.IntRange(1, 65535)


def _brands(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Name the brands that a shell may complete: folders with a file, as they lie there."""
    root = Path(ctx.params.get("root") or os.environ.get("COPYDESK_ROOT") or ".")
    found = sorted(path.parent.name for path in root.glob("tenants/[a-z]*/tenant.yaml"))
    return [slug for slug in found if slug.startswith(incomplete)]


# The brand that a command is about; shells complete it.
SLUG = click.argument("slug", shell_complete=_brands)


class Number(click.FloatRange):
    """A number between bounds; `nan`, which every comparison lets pass, is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number
