"""A scene of the demo: prices move against a trader, one follower's own stop fires, and everybody else goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.demo.cast import FollowerTerms, follower_terms
from copydesk.demo.lab_control import LabControl
from copydesk.kernel import ZERO
from copydesk.risk.model import Scope
from copydesk.risk.service import ground_of, set_limit
from copydesk.risk.store import LimitOwner
from copydesk.stack import wait_until

# Within what a price may move in a window before opens pause for everybody (`risk.volatility_bps_max`).
MOVE_PERCENT = 3
# Of the allocation: what must be held, so that such a move is beyond the limit.
HELD_MIN = Decimal("0.45")

_FIRED = text(
    """
    SELECT a.at, a.state FROM risk_act a
    JOIN subscription s ON s.tenant_id = a.tenant_id AND s.id = a.subscription_id
    JOIN account c ON c.tenant_id = s.tenant_id AND c.id = s.account_id
    WHERE c.label = :label AND a.line = :line ORDER BY a.id
    """
)


class Scene(NamedTuple):
    """Who is stopped: the how many-th follower of which brand, and by which limit on the own subscription."""

    slug: str
    number: int
    line: str

    @property
    def account(self) -> str:
        return f"{self.slug}:follower:{self.number}"

    @property
    def terms(self) -> FollowerTerms:
        return follower_terms(self.number)


class Fired(NamedTuple):
    """A stop as the risk role stored it."""

    at: datetime
    state: str


SCENE = Scene("aurora", 6, "drawdown > 1 % of equity -> close_and_disarm")


def set_stop(session: TenantSession, runtime: Runtime, scene: Scene, subscription_id: int) -> None:
    """Give the follower the limit, as the follower would."""
    ground = ground_of(runtime.tenant(session.tenant_id))
    set_limit(session, ground, LimitOwner(Scope.SUBSCRIPTION, subscription_id), scene.line, author="follower")


def play(lab: LabControl, scene: Scene, *, patience_s: float, say: Callable[[str], None]) -> None:
    """Wait until the follower holds enough, and move each price of that against it, at once and for good."""
    held: list[dict[str, Any]] = []

    def invested() -> bool:
        held[:] = lab.view(scene.account).get("positions", [])
        return sum((_worth(one) for one in held), ZERO) >= scene.terms.allocation * HELD_MIN

    wait_until(invested, patience_s=patience_s, poll_s=0.3)
    for one in held:
        percent = -MOVE_PERCENT if Decimal(one["qty"]) > 0 else MOVE_PERCENT
        lab.call("POST", "faults", {"harm": "gap", "symbol": one["symbol"], "percent": percent})
    moved = ", ".join(sorted(one["symbol"] for one in held)) or "nothing"
    say(f"prices move {MOVE_PERCENT} % against {scene.account}: {moved}")


def fired(runtime: Runtime, scene: Scene) -> list[Fired]:
    """Return how often the follower's limit fired."""
    with runtime.db.tenant(runtime.tenant_ids[scene.slug]) as session:
        return [Fired(*row) for row in session.execute(_FIRED, {"label": scene.account, "line": scene.line})]


def _worth(position: dict[str, Any]) -> Decimal:
    return abs(Decimal(position["qty"])) * Decimal(position["mark_px"])
