"""What copying a strategy would have come to: its past, replayed with the visitor's own amount and limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from threading import Lock
from typing import Generic, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, jsonify, request
from flask_babel import gettext, ngettext  # type: ignore[import-untyped]
from redis import Redis

from copydesk.identity.access import Permission
from copydesk.kernel import Clock, InvalidInput, NotFound, Unavailable, decimal_text
from copydesk.marks import Listings
from copydesk.performance.whatif_past import (
    DAYS,
    Subject,
    Wanted,
    markets_at,
    newest_signal,
    read_past,
    read_terms,
    subject_of,
)
from copydesk.risk.profiles import Profile
from copydesk.tenancy import Tenant
from copydesk.trading import SizingMode
from copydesk.web.access import needs
from copydesk.web.asking import transaction
from copydesk.web.clock import current_time
from copydesk.web.limit_sentences import profile_words
from copydesk.web.page import render
from copydesk.web.port import Runtime
from copydesk.web.public.blueprint import public
from copydesk.web.site import current_site
from copydesk.web.what_if_words import Told, act_words, caveats, enough_words, is_almost_all, skipped_rows, summary
from copydesk.whatif import AMOUNT_MAX, CopyTerms, Course, Past, Result, follow, plain

AMOUNT_DEFAULT = "500"
SIZINGS = (SizingMode.EQUITY_RATIO, SizingMode.MULTIPLIER, SizingMode.FIXED_NOTIONAL)
_ASKED = ("amount", "sizing", "value", "profile", "days")
_KEPT_S, _WAIT_S, _ANSWERS_MAX = 60.0, 5.0, 200
# Of all pasts that are kept together, each some 1.5 KB; prices beside them take as much as many signals.
_SIGNALS_MAX, _SIGNALS_LEAST = 20_000, 500
_REDIS_S = 0.25

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """A replay, and what it rests on."""

    result: Result
    told: Told


class Kept(Generic[T]):
    """Values of the last minute, as many as weigh `most` together."""

    def __init__(self, clock: Clock, most: int, weigh: Callable[[T], int] = lambda _: 1) -> None:
        self._clock = clock
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._values: dict[tuple[object, ...], tuple[float, T]] = {}

    def get(self, key: tuple[object, ...]) -> T | None:
        """Return a value that is young enough."""
        known = self._values.get(key)
        return known[1] if known is not None and self._clock.monotonic() - known[0] < _KEPT_S else None

    def put(self, key: tuple[object, ...], value: T) -> T:
        """Keep a value and return it."""
        weight = self._weigh(value)
        if self._weight + weight > self._most:
            self._values.clear()
            self._weight = 0
        self._values[key] = self._clock.monotonic(), value
        self._weight += weight
        return value


class Replays:
    """Answers of the last minute; of new ones a process works out one after the other, because each keeps it busy.

    Pasts are kept beside them, made ready: whoever tries several amounts asks for the same one.
    """

    def __init__(self, listings: Listings, clock: Clock) -> None:
        self.listings = listings
        self.courses = Kept[Course](clock, _SIGNALS_MAX, lambda course: max(len(course.steps), _SIGNALS_LEAST))
        self._answers = Kept[Answer](clock, _ANSWERS_MAX)
        self._turn = Lock()

    def of(self, key: tuple[object, ...], work: Callable[[], Answer]) -> Answer:
        """Return the answer to a question; raises `Unavailable` where too many others wait for theirs."""
        known = self._answers.get(key)
        if known is not None:
            return known
        if not self._turn.acquire(timeout=_WAIT_S):
            raise Unavailable(gettext("Many visitors are asking this now. Try again in a moment."), retry_after_s=5)
        try:
            return self._answers.put(key, work())
        finally:
            self._turn.release()


def init_what_if(app: Flask, runtime: Runtime, clock: Clock) -> None:
    """Let the pages of this app replay; nothing is sent to Redis yet."""
    redis = Redis.from_url(runtime.redis_url, socket_timeout=_REDIS_S, socket_connect_timeout=_REDIS_S)
    app.extensions["copydesk_replays"] = Replays(Listings(redis), clock)


@public.get("/strategies/<slug>/what-if")
@needs(Permission.PUBLIC)
def what_if(slug: str) -> Response:
    """Show the form, and below it what the past says; it works by its address alone."""
    subject = _subject(slug)
    errors: dict[str, str] = {}
    answer, unknown = None, False
    try:
        answer = _answer(subject, wanted_of(request.args))
    except InvalidInput as error:
        errors = {error.code if error.code in ("amount", "value", "profile") else "": str(error)}
    except RulesUnknown:
        unknown = True
    page = render("what_if.html", subject=subject, errors=errors, unknown=unknown, **_choices(), **_shown(answer))
    return Response(page, HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK)


@public.get("/strategies/<slug>/what-if.json")
@needs(Permission.PUBLIC)
def what_if_json(slug: str) -> Response:
    """Tell the same in numbers: decimals as text, shares as plain ratios."""
    return jsonify(plain(_answer(_subject(slug), wanted_of(request.args)).result))


class RulesUnknown(Unavailable):
    """What the exchange takes at least is not known: nothing has told it yet."""


def wanted_of(args: Mapping[str, str]) -> Wanted:
    """Read what is asked; what nobody could have chosen is the usual. Raises InvalidInput for numbers that are none."""
    mode = args.get("sizing", "")
    sizing = SizingMode(mode) if mode in SIZINGS else SizingMode.EQUITY_RATIO
    value = None
    if sizing is not SizingMode.EQUITY_RATIO:
        value = _number(args.get("value", ""), "value", gettext("Enter a factor or an amount above zero."))
    profile, days = args.get("profile", ""), args.get("days", "")
    return Wanted(
        _number(args.get("amount", AMOUNT_DEFAULT), "amount", gettext("Enter an amount above zero.")),
        sizing,
        value,
        profile=Profile(profile) if profile in set(Profile) else None,
        days=int(days) if days in map(str, DAYS) else DAYS[-1],
    )


def _answer(subject: Subject, wanted: Wanted) -> Answer:
    tenant, replays = current_site().tenant, current_replays()
    with transaction() as session:
        newest = newest_signal(session, subject.strategy_id)
    return replays.of((tenant.slug, subject, newest, wanted), lambda: _replayed(tenant, subject, newest, wanted))


def _replayed(tenant: Tenant, subject: Subject, newest: int, wanted: Wanted) -> Answer:
    course = course_of(tenant, subject, newest, wanted.days)
    terms = _terms(tenant, subject, wanted, course.past)
    return answered(course, terms, Told(wanted.days, subject.venue, terms, course.past.perpetual))


def answered(course: Course, terms: CopyTerms, told: Told) -> Answer:
    """Replay a past. What became of each signal is left out: no page tells it, and answers are kept."""
    return Answer(replace(follow(course, terms), copies=()), told)


def course_of(tenant: Tenant, subject: Subject, newest: int, days: int) -> Course:
    """Read a past and make it ready, or return what was made ready a moment ago."""
    replays, key = current_replays(), (tenant.slug, subject, newest, days)
    known = replays.courses.get(key)
    if known is not None:
        return known
    listed = replays.listings.read(subject.place, markets_at(tenant, subject.place))
    if listed is None:
        raise RulesUnknown("What the exchange takes at least is not known now.", retry_after_s=60)
    with transaction() as session:
        past = read_past(session, tenant, subject, listed, days=days, now=current_time())
    return replays.courses.put(key, Course(past, ZoneInfo(tenant.config.time_zone)))


def _terms(tenant: Tenant, subject: Subject, wanted: Wanted, past: Past) -> CopyTerms:
    try:
        with transaction() as session:
            return read_terms(session, tenant, subject, wanted, past)
    except InvalidInput as error:
        if error.code in ("amount", "value"):
            raise
        # The platform's limits have become tighter than the profile; which, is the operator's business.
        raise InvalidInput(gettext("These limits cannot be chosen now. Choose others."), code="profile") from error


def current_replays() -> Replays:
    """Return what the running app keeps of replays."""
    replays: Replays = current_app.extensions["copydesk_replays"]
    return replays


def _subject(slug: str) -> Subject:
    if not current_site().features.strategy_pages:
        raise NotFound("This site does not have that page.")
    with transaction() as session:
        return subject_of(session, slug)


def _choices() -> dict[str, object]:
    """Return what the form offers, and what of it is chosen."""
    profiles = [(profile.value, profile_words(profile)) for profile in Profile]
    return {
        "asked": {name: request.args.get(name, "") for name in _ASKED},
        "amount_default": AMOUNT_DEFAULT,
        "sizings": [
            (SizingMode.EQUITY_RATIO.value, gettext("in proportion to my amount")),
            (SizingMode.MULTIPLIER.value, gettext("a multiple of that")),
            (SizingMode.FIXED_NOTIONAL.value, gettext("the same amount for each order")),
        ],
        "profiles": [("", gettext("none of my own")), *profiles],
        "periods": [(str(days), ngettext("%(num)s day", "%(num)s days", days)) for days in reversed(DAYS)],
    }


def _shown(answer: Answer | None) -> dict[str, object]:
    if answer is None:
        return {"result": None}
    result = answer.result
    return {
        "result": result,
        "sentences": summary(result),
        "enough": enough_words(result),
        "skipped": skipped_rows(result),
        "acts": [(act.at, act_words(act)) for act in result.acts],
        "caveats": caveats(result, answer.told),
        "amounts": [
            (one.amount, one.ratio, is_almost_all(one.ratio), _address(decimal_text(one.amount)))
            for one in result.amounts
        ],
        "falls": _falls(result),
    }


def _address(amount: str) -> str:
    """Return the address of the same question about another amount."""
    asked = {name: request.args[name] for name in _ASKED if request.args.get(name)} | {"amount": amount}
    return f"{request.path}?{urlencode(asked)}"


def _falls(result: Result) -> list[float]:
    """Return for each point of the line how far it was below its highest so far."""
    falls, peak = [], 0.0
    for point in result.line:
        equity = float(point.equity)
        peak = max(peak, equity)
        falls.append(1 - equity / peak if peak else 0.0)
    return falls


def _number(text: str, field: str, sentence: str) -> Decimal:
    """Read a number above zero as people write it: with a point or one comma, with spaces between thousands."""
    plain = "".join(text.split()).replace("\u066b", ".")
    try:
        number = Decimal(plain.replace(",", ".") if "." not in plain else plain)
    except InvalidOperation:
        number = Decimal(0)
    if not (number.is_finite() and Decimal("0.01") <= number <= AMOUNT_MAX):
        raise InvalidInput(sentence, code=field)
    return number
