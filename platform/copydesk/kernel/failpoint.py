"""Failpoints: named places at which a fault test lets a process die, stand still or fail. Off unless armed.

`Failpoint` is the one table of them; `copydesk faults` and platform/docs/faults.md tell how they are used. A process
passes a point by `reached`, which costs one look at a name while nothing is armed.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from copydesk.kernel.errors import ConfigError


class Failpoint(StrEnum):
    """Every failpoint by name, with what is done and what is not when a process gets there."""

    help: str

    def __new__(cls, name: str, help: str = "") -> Failpoint:  # noqa: A002 - it is the help of a point
        """Make a point from its name and its sentence."""
        point = str.__new__(cls, name)
        point._value_ = name
        point.help = help
        return point

    TRADES_RECEIVED = "trades-received", "The listener has a leader's trades, and nothing of them is stored."
    SIGNAL_STORED = "signal-stored", "A signal and its deliveries are committed, and no lane is woken."
    LANES_WOKEN = "lanes-woken", "Every lane of a signal is woken, and the listener has told nobody else."
    LEASE_TAKEN = "lease-taken", "A replicator owns a lane, and has not read what is due."
    PLANNED = "planned", "The copies of a signal are planned, and none is stored."
    COPIES_STORED = "copies-stored", "What is planned of a signal is committed, and nothing of it is sent."
    EACH_SEND = "each-send", "An order is about to be written to its connection; earlier ones have left."
    ALL_STARTED = "all-started", "The orders of a signal are on their way, and no answer is read."
    ANSWERED = "answered", "Every order of a signal is answered, and no answer is stored."
    SETTLED = "settled", "The answers of a signal are committed, and nobody is told."
    BETWEEN_LEGS = "between-legs", "The closes of a reversal are settled, and no open that waited for them is let go."
    LEG_RELEASED = "leg-released", "An open that waited for a close is let go in the database, and is not sent."
    LEG_ANSWERED = "leg-answered", "The second legs are answered, and the answers are not stored."
    DOUBT_ASKED = "doubt-asked", "The exchange has told of copies in doubt, and no verdict is stored."
    RESEND_STORED = "resend-stored", "That absent copies are sent again is committed, and none is sent."
    RESEND_ANSWERED = "resend-answered", "Copies sent again are answered, and the answers are not stored."
    FIX_STORED = "fix-stored", "Corrective closes are committed, and none is sent."
    ACCOUNT_PREPARED = "account-prepared", "Accounts are set up at the exchange, and that is not stored."
    RELAY_WAKES = "relay-wakes", "The relay has found lanes that are due, and has woken none of them."


class FailpointError(RuntimeError):
    """What a failpoint with the action "raise" raises; nothing handles it on purpose."""


class Trap(NamedTuple):
    """What was asked for: act at the `nth` pass of a point."""

    point: Failpoint
    nth: int
    action: str


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _pause() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _raise() -> None:
    raise FailpointError("a failpoint was told to raise")


ACTIONS: Mapping[str, Callable[[], None]] = {"kill": _kill, "pause": _pause, "raise": _raise}


def parse_trap(text: str) -> Trap:
    """Read "name", "name:nth" or "name:nth:action"; raises ConfigError naming what was expected."""
    name, _, rest = text.strip().partition(":")
    nth, _, action = rest.partition(":")
    if name not in set(Failpoint):
        raise ConfigError(f"COPYDESK_FAILPOINT: expected one of {', '.join(Failpoint)}, found {name!r}")
    if not (nth or "1").isdecimal() or int(nth or 1) < 1:
        raise ConfigError(f"COPYDESK_FAILPOINT: expected a pass from 1 on, found {nth!r}")
    if (action or "kill") not in ACTIONS:
        raise ConfigError(f"COPYDESK_FAILPOINT: expected one of {', '.join(ACTIONS)}, found {action!r}")
    return Trap(Failpoint(name), int(nth or 1), action or "kill")


class Armed:
    """Count passes and act once; with a `file`, of the traps that are put there one after another.

    Of several processes that watch one file, the one that takes it away acts.
    """

    def __init__(self, trap: Trap | None, file: Path | None) -> None:
        self._trap = trap
        self._file = file
        self._text = ""
        self._passes: Counter[Failpoint] = Counter()

    def passed(self, point: Failpoint) -> None:
        """Count a pass, and act where it is the one."""
        if self._file is not None:
            self._look(self._file)
        self._passes[point] += 1
        trap = self._trap
        if trap is None or trap.point is not point or self._passes[point] < trap.nth:
            return
        self._trap = None
        if self._file is None or self._take(self._file):
            os.write(2, f"failpoint {point} reached: {trap.action}\n".encode())
            ACTIONS[trap.action]()

    def _look(self, file: Path) -> None:
        try:
            text = file.read_text()
        except FileNotFoundError:
            text = ""
        if text != self._text:
            self._text, self._trap = text, parse_trap(text) if text else None
            self._passes.clear()

    @staticmethod
    def _take(file: Path) -> bool:
        try:
            file.rename(file.with_suffix(".fired"))
        except FileNotFoundError:
            return False
        return True


_armed: Armed | None = None


def arm(text: str) -> None:
    """Arm this process: with a trap ("copies-stored:2"), or with "@" and a file in which traps appear.

    Raises ConfigError for what it cannot read.
    """
    global _armed
    _armed = Armed(None, Path(text[1:])) if text.startswith("@") else Armed(parse_trap(text), None)


def disarm() -> None:
    """Take the trap away."""
    global _armed
    _armed = None


def reached(point: Failpoint, of: object = True) -> None:
    """Pass a failpoint; does nothing unless this process is armed, nor where the step has nothing to work `of`."""
    if _armed is not None and of:
        _armed.passed(point)
