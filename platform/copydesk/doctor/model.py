"""Values of the doctor: what a check found. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a check ended. A warning leaves the exit code alone; a skipped check had nothing to look at."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Result:
    """What one check found about one thing; `remedy` is one sentence, empty where nothing is to be done."""

    level: Level
    about: str
    found: str
    remedy: str = ""
    check: str = ""

    def plain(self) -> dict[str, str]:
        """Return the result as values that JSON can carry."""
        return asdict(self) | {"level": str(self.level)}


def ok(about: str, found: str) -> Result:
    """Say that all is well."""
    return Result(Level.PASS, about, found)


def warn(about: str, found: str, remedy: str) -> Result:
    """Say that something should be done."""
    return Result(Level.WARN, about, found, remedy)


def fail(about: str, found: str, remedy: str) -> Result:
    """Say that something does not work."""
    return Result(Level.FAIL, about, found, remedy)


def skip(about: str, found: str) -> Result:
    """Say that there is nothing to look at."""
    return Result(Level.SKIP, about, found)
