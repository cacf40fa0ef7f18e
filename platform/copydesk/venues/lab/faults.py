"""Scripted faults: which request suffers what, how often, repeatable by seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from copydesk.kernel import InvalidInput


class Harm(StrEnum):
    """What happens to a matching request. Only `execute_then_drop` and `delay` let it through."""

    DELAY = "delay"
    DROP = "drop"
    EXECUTE_THEN_DROP = "execute_then_drop"
    STATUS = "status"
    GARBAGE = "garbage"


_BODIES = {
    Harm.STATUS: '{"code":-1000,"msg":"An unknown error occurred while processing the request."}',
    Harm.GARBAGE: "<html><head><title>502 Bad Gateway</title></head></html>",
}


@dataclass(slots=True)
class Fault:
    """One rule. Empty `method`, `path`, `account` match all; `path` matches as a prefix.

    Of the matching requests every `every`-th is hit, at most `times` times (None: without end), each with
    `probability`. `executes` decides whether a request hit by a status or garbage fault is carried out first.
    """

    id: int
    harm: Harm
    method: str = ""
    path: str = ""
    account: str = ""
    every: int = 1
    times: int | None = None
    probability: float = 1.0
    delay_ms: float = 0.0
    status: int = 503
    body: str = ""
    executes: bool = False
    seen: int = 0
    hits: int = 0

    def content(self) -> str:
        """Return the body to answer with."""
        return self.body or _BODIES.get(self.harm, "")

    def matches(self, method: str, path: str, account: str) -> bool:
        return (
            (not self.method or self.method == method)
            and path.startswith(self.path)
            and (not self.account or self.account == account)
            and (self.times is None or self.hits < self.times)
        )


_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "method": str,
    "path": str,
    "account": str,
    "every": int,
    "times": (int, type(None)),
    "probability": (int, float),
    "delay_ms": (int, float),
    "status": int,
    "body": str,
    "executes": bool,
}


class FaultPlan:
    """Hold the rules in force and pick the one that hits a request."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable chance, not a secret
        self._faults: list[Fault] = []
        self._ids = 0

    def __bool__(self) -> bool:
        return bool(self._faults)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def add(self, wanted: Mapping[str, Any]) -> Fault:
        """Put a rule in force; raise `InvalidInput` for a field that is unknown or of the wrong type."""
        fields = dict(wanted)
        harm = fields.pop("harm", None)
        if harm not in set(Harm):
            raise InvalidInput(f"harm: expected one of {[str(h) for h in Harm]}, found {harm!r}")
        for name, value in fields.items():
            if name not in _FIELDS:
                raise InvalidInput(f"{name}: expected one of {sorted(_FIELDS)}, found an unknown field")
            if not isinstance(value, _FIELDS[name]):
                raise InvalidInput(f"{name}: expected {_FIELDS[name]}, found {value!r}")
        if fields.get("every", 1) < 1:
            raise InvalidInput(f"every: expected at least 1, found {fields['every']}")
        self._ids += 1
        fault = Fault(id=self._ids, harm=Harm(harm), **fields)
        if fault.harm in (Harm.DELAY, Harm.EXECUTE_THEN_DROP):
            fault.executes = True
        self._faults.append(fault)
        return fault

    def clear(self) -> int:
        """Drop every rule; return how many there were."""
        count = len(self._faults)
        self._faults.clear()
        return count

    def strike(self, method: str, path: str, account: str) -> Fault | None:
        """Return the first rule that hits this request, counting it."""
        for fault in self._faults:
            if not fault.matches(method, path, account):
                continue
            fault.seen += 1
            if fault.seen % fault.every or (fault.probability < 1.0 and self._random.random() >= fault.probability):
                continue
            fault.hits += 1
            return fault
        return None
