"""Roles of end users; staff roles join with the identity work."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    FOLLOWER = "follower"
    TRADER = "trader"
