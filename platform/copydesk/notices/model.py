"""Values of notices: kinds with their facts, channels, habits, and how far a delivery has come. Pure.

Facts are JSON: text and whole numbers. Amounts, prices and quantities are decimal text ("0.004"), moments ISO 8601.
A fact that is not known is left out, or None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum

Facts = Mapping[str, str | int | None]


class NoticeKind(StrEnum):
    """What a notice tells."""

    COPY_OPENED = "copy_opened"
    COPY_CLOSED = "copy_closed"
    COPY_SKIPPED = "copy_skipped"
    STOP_FIRED = "stop_fired"
    DRAWDOWN_WARNING = "drawdown_warning"
    OUT_OF_SYNC = "out_of_sync"
    KEY_PROBLEM = "key_problem"
    STRATEGY_PAUSED = "strategy_paused"
    MARGIN_TOPUP = "margin_topup"
    SECURITY = "security"
    ANNOUNCEMENT = "announcement"
    TRADER_OPENED = "trader_opened"
    TRADER_CLOSED = "trader_closed"


_K = NoticeKind
_STRATEGY = frozenset({"strategy_id", "strategy", "slug"})
_MINE = _STRATEGY | {"subscription_id"}
_COPY = _MINE | {"copy_id", "signal_id", "symbol", "position_side", "side", "qty"}

# The facts that a notice of each kind may have. `strategy` is its name, `slug` the end of its page's address.
KIND_FACTS: Mapping[NoticeKind, frozenset[str]] = {
    # `px` is the average price; `currency` is what price and `result` (with sign, fees in quote taken off) are in.
    _K.COPY_OPENED: _COPY | {"px", "currency"},
    _K.COPY_CLOSED: _COPY | {"px", "currency", "result"},
    # `reason` is a `trading.Denial`; what its sentence needs stands beside it under its own names, as text.
    _K.COPY_SKIPPED: _COPY | {"reason", "leg"},
    # `line` is the limit as text (`risk.grammar`), `now` what was found, `at` where it lies; `action` a
    # `risk.model.Action`. A stop that rested at the exchange has scope "position", a `symbol` and the `px` of its fill.
    _K.STOP_FIRED: _MINE | {"act_id", "scope", "line", "action", "state", "now", "at", "symbol", "px"},
    # `line` the limit, `used` how much of its distance is used in whole percent (80 to 99).
    _K.DRAWDOWN_WARNING: _MINE | {"line", "used", "now", "at", "scope", "action", "act_id", "state"},
    _K.OUT_OF_SYNC: _MINE | {"reason"},
    # `what` is the `notifications.Kind` of the mail that went out for it (key_refused, key_disarmed, key_expires).
    _K.KEY_PROBLEM: frozenset({"what", "exchange", "label", "right", "reason", "days"}),
    # `status` of the strategy: "paused", "suspended", "closed".
    _K.STRATEGY_PAUSED: _MINE | {"status"},
    # `amount` the trader put behind the position, `margin` what is behind it now, both in `currency`.
    _K.MARGIN_TOPUP: _MINE | {"symbol", "position_side", "amount", "margin", "currency", "news_id"},
    # `what` is the `notifications.Kind` of the mail that went out for it (password_changed, new_location, …).
    _K.SECURITY: frozenset({"what", "at", "ip", "agent", "factor", "left", "held_until"}),
    _K.ANNOUNCEMENT: _STRATEGY | {"announcement_id", "body"},
    _K.TRADER_OPENED: _STRATEGY | {"signal_id", "symbol", "position_side", "side", "px", "currency"},
    _K.TRADER_CLOSED: _STRATEGY | {"signal_id", "symbol", "position_side", "side", "px", "currency"},
}

# What never waits: neither for the end of quiet hours nor for a digest.
URGENT = frozenset({_K.STOP_FIRED, _K.SECURITY})
# What always stands in the centre and cannot be switched off where it goes by default.
ALWAYS = URGENT
# What a mail of its own kind has told already (identity and keys write those): no second one is sent.
MAILED_ALREADY = frozenset({_K.SECURITY, _K.KEY_PROBLEM})


class Channel(StrEnum):
    """How a notice reaches somebody besides the centre on the site, where every notice stands."""

    MAIL = "mail"
    PUSH = "push"
    TELEGRAM = "telegram"
    WEBHOOK = "webhook"


_ALL = frozenset(Channel)
_QUICK = _ALL - {Channel.MAIL}
# What is sent where somebody has said nothing; only to where they can be reached: push needs a device, Telegram and
# webhook an address that they have connected.
DEFAULTS: Mapping[NoticeKind, frozenset[Channel]] = {
    _K.COPY_OPENED: _QUICK,
    _K.COPY_CLOSED: _QUICK,
    _K.COPY_SKIPPED: frozenset({Channel.WEBHOOK}),
    _K.STOP_FIRED: _ALL,
    _K.DRAWDOWN_WARNING: _ALL,
    _K.OUT_OF_SYNC: _ALL,
    _K.KEY_PROBLEM: _QUICK,
    _K.STRATEGY_PAUSED: _ALL,
    _K.MARGIN_TOPUP: _ALL,
    _K.SECURITY: _QUICK,
    _K.ANNOUNCEMENT: _ALL,
    _K.TRADER_OPENED: _QUICK,
    _K.TRADER_CLOSED: _QUICK,
}


class Digest(StrEnum):
    """How mails are gathered: each on its own, or one each full hour, or one each morning."""

    NONE = "none"
    HOURLY = "hourly"
    DAILY = "daily"


class DeliveryState(StrEnum):
    """How far a delivery by one channel has come."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"  # It will not be tried again; `reason` says why.


class Reason(StrEnum):
    """Why a delivery waits, or why it failed; an answer's HTTP status follows in the log where there was one."""

    QUIET_HOURS = "quiet_hours"
    DIGEST = "digest"
    NO_ANSWER = "no_answer"  # Nobody was reached, or no answer came back.
    REFUSED = "refused"  # The other side said no for good.
    BUSY = "busy"  # The other side asked to come again later.
    GONE = "gone"  # The device or chat exists no longer.
    NO_ADDRESS = "no_address"  # Nothing is connected any more.
    NOT_PUBLIC = "not_public"  # The address leads into a private network.
    NOT_SET_UP = "not_set_up"  # The brand has no bot, or the installation no words.
    TOO_OLD = "too_old"  # It could not be sent in time to be worth anything.
    GIVEN_UP = "given_up"  # Tried as often as allowed.


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell one person. `key` names it for them: told of twice, it is one notice."""

    kind: NoticeKind
    user_id: int
    at: datetime
    facts: Facts
    key: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A stored notice."""

    id: int
    kind: NoticeKind
    user_id: int
    at: datetime
    facts: Facts
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Habit:
    """How somebody wants to be told. Quiet hours may go over midnight; both None, or both the same, is none.

    `zone` is their time zone by its IANA name, "" for the brand's. It is kept with their account, not here.
    """

    digest: Digest = Digest.NONE
    quiet_from: time | None = None
    quiet_until: time | None = None
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A notice in somebody's language. `path` is of the brand's own site; `url` the same as a whole address."""

    title: str
    body: str
    path: str
    url: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """Which channels somebody wants for which kind, where that is not the default."""

    said: Mapping[tuple[NoticeKind, Channel], bool] = field(default_factory=dict)

    def wants(self, kind: NoticeKind, channel: Channel) -> bool:
        """Tell whether a kind goes by a channel, as far as it is up to them."""
        if kind in MAILED_ALREADY and channel is Channel.MAIL:
            return False
        default = channel in DEFAULTS[kind]
        return default if kind in ALWAYS and default else self.said.get((kind, channel), default)
