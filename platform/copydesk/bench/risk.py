"""`bench risk`: a million positions valued and screened, beside the same sweep in Polars and in plain Python.

Each way is a process of its own on one core (`risk_ways`), so that memory is that of the measured way alone.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import orjson

from copydesk.bench.breach import Breach
from copydesk.kernel import InvalidInput, Unavailable

Say = Callable[[str], None]
FULL_POSITIONS, FULL_ACCOUNTS = 1_000_000, 100_000  # The size that bars hold for.
_PLAIN_WAYS = ("polars", "python")


@dataclass(frozen=True)
class RiskPlan:
    """What to measure: positions of so many accounts, sweeps of each way, ticks, and whether also the plain ways."""

    positions: int = FULL_POSITIONS
    accounts: int = FULL_ACCOUNTS
    instruments: int = 300
    sweeps: int = 200
    ticks: int = 5000
    polars_sweeps: int = 20
    python_sweeps: int = 5
    plain: bool = True

    def __post_init__(self) -> None:
        if not self.accounts <= self.positions <= self.accounts * self.instruments:
            raise InvalidInput(
                f"positions: expected 1 to {self.instruments} for each of {self.accounts:,} accounts,"
                f" found {self.positions:,}"
            )

    @property
    def full(self) -> bool:
        return self.positions >= FULL_POSITIONS and self.accounts >= FULL_ACCOUNTS


def run_risk(plan: RiskPlan, say: Say, breaches: Callable[[], list[Breach]] | None = None) -> dict[str, Any]:
    """Run the benchmark and return its figures; times in milliseconds, memory in MiB.

    `breaches` measures on a running desk from the price that breaks a limit to the closes.
    """
    if plan.plain and importlib.util.find_spec("polars") is None:
        raise Unavailable("Polars is not installed: install the extra `dev`, or measure with --no-plain")
    figures: dict[str, Any] = {
        "positions": plan.positions,
        "accounts": plan.accounts,
        "instruments": plan.instruments,
    }
    for way in ("arrays", *_PLAIN_WAYS) if plan.plain else ("arrays",):
        say(f"{plan.positions:,} positions of {plan.accounts:,} accounts, by {way}")
        found = _measure(way, plan)
        suspects = found.pop("suspects")
        assert suspects == figures.setdefault("suspects", suspects), f"{way} finds {suspects} suspects"
        figures |= found
    return figures | (breach_figures(breaches()) if breaches else {})


def breach_figures(found: Sequence[Breach]) -> dict[str, Any]:
    """Return the slowest round's times, and the median's. Pure."""
    return {
        "breaches": len(found),
        "breach_to_order_p50_ms": median(one.first_ms for one in found),
        "breach_to_order_ms": max(one.first_ms for one in found),
        "breach_to_last_order_ms": max(one.last_ms for one in found),
        "price_to_order_p50_ms": median(one.price_ms for one in found),
        "price_to_order_ms": max(one.price_ms for one in found),
    }


def _measure(way: str, plan: RiskPlan) -> dict[str, Any]:
    command = [sys.executable, "-m", "copydesk.bench.risk_ways", way]
    core = max(os.sched_getaffinity(0))
    # Polars would start a thread for each of the machine's cores.
    surroundings = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    words = ["env", *(f"{name}={value}" for name, value in surroundings.items()), *command]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        os.sched_setaffinity(process.pid, {core})
        out, _ = process.communicate(orjson.dumps(asdict(plan)))
    if process.returncode:
        raise Unavailable(f"the measurement by {way} ended with {process.returncode}")
    found: dict[str, Any] = orjson.loads(out)
    return found
