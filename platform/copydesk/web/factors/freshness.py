"""The gates of acts that ask whoever has a second factor for a fresh one, and let on who has none to give.

Each declares on its view, as `needs` does, what it asks of whoever has one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, TypeVar

from copydesk.identity.access import Permission
from copydesk.identity.factors import changes_allowed
from copydesk.web.access import Need, admit, is_fresh
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session
from copydesk.web.factors.asking import own_factors
from copydesk.web.visitor import current_visitor

F = TypeVar("F", bound=Callable[..., Any])


def needs_fresh(
    permission: Permission, *, holds: bool = False, agreed: bool = True, guests: bool = True
) -> Callable[[F], F]:
    """Let a view run as `needs` does, for a fresh factor; who may do without a factor, and has none, goes on."""
    return _gate(Need(permission, fresh=True, holds=holds, agreed=agreed, guests=guests), _asked_of_an_act)


def changes_factors(*, enrolled: bool = True) -> Callable[[F], F]:
    """Let a view change second factors: for a fresh one or a recovery code, and never on hold.

    The very first factor is set up without either, on pages that are open to who has none (`enrolled=False`).
    """
    need = Need(Permission.FACTORS_OWN, fresh=True, enrolled=enrolled, holds=True)
    return _gate(need, _asked_of_a_change)


def may_change_factors() -> bool:
    """Tell whether this session gave a factor, or a recovery code for this, within the last five minutes."""
    visitor = current_visitor()
    if is_fresh(visitor):
        return True
    if visitor.user_id is None or visitor.session_id is None:
        return False
    return changes_allowed(brand_session(), visitor.user_id, visitor.session_id, current_time())


def _asked_of_an_act(need: Need) -> Need:
    return need if _has_factor() else replace(need, fresh=False)


def _asked_of_a_change(need: Need) -> Need:
    if not _has_factor():
        return replace(need, fresh=False, holds=False)
    return replace(need, fresh=not may_change_factors())


def _has_factor() -> bool:
    return current_visitor().user_id is not None and own_factors().any


def _gate(need: Need, asked: Callable[[Need], Need]) -> Callable[[F], F]:
    def declare(view: F) -> F:
        @wraps(view)
        def guarded(*args: Any, **values: Any) -> Any:
            answer = admit(asked(need))
            return view(*args, **values) if answer is None else answer

        guarded.needs = need.permission  # type: ignore[attr-defined]
        guarded.need = need  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return declare
