"""Remembering what words mean: many followers send equal words, and reading them is a large part of an order's cost."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import TypeVar, cast

WORDS_MAX = 16_384

Meaning = TypeVar("Meaning")


def remembered(read: Callable[..., Meaning]) -> Callable[..., Meaning]:
    """Let a function of raw JSON values remember what it has made of them; refusals are made anew each time.

    True and 1 are different words. What cannot be looked up, a list or an object, is read each time.
    """
    known = cast(Callable[..., Meaning], lru_cache(WORDS_MAX, typed=True)(read))

    def look_up(*values: Hashable) -> Meaning:
        try:
            return known(*values)
        except TypeError:
            return read(*values)

    return look_up
