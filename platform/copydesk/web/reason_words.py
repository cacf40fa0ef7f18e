"""Why a subscription is in the state that it is in, in plain words: who or what stopped it, and what goes on."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

# By the reason that whoever changes a state stores beside it.
STATE_REASONS: Mapping[str, LazyString] = {
    "risk_stop": lazy_gettext("a limit was reached, and what was copied is closed"),
    "risk_soft_stop": lazy_gettext("a limit was reached, and nothing new is opened"),
    "exchange_stop": lazy_gettext("its stop at the exchange closed a position, and nothing new is opened"),
    "stopped_by_switch": lazy_gettext("stopped by the operator, and what was copied is closed"),
    "stopped_by_owner": lazy_gettext("stopped by its owner, and what was copied is closed"),
}


def state_reason_words(reason: str) -> str:
    """Say why a subscription is in its state; a reason that has no words as it is stored."""
    return str(STATE_REASONS.get(reason, reason))
