"""Option types that several commands share."""

from __future__ import annotations

import math
from typing import Any

import click

PORT = click.IntRange(1, 65535)


class Number(click.FloatRange):
    """A number between bounds; `nan`, which every comparison lets pass, is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number
