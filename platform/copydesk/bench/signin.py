"""How long a sign-in takes while many people sign in, and whether everybody else notices.

A real site on loopback, with the hashes' real cost. The same flood meets two sites in turn: ours, which checks so many
passwords at once and lets threads that do so step back, and a plain one, which checks each in the request's own thread.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import quantiles
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from copydesk.bench.crowd import BRAND
from copydesk.bench.flood import Heard, Try, visit
from copydesk.bootstrap import Runtime
from copydesk.db.migrate import migrate
from copydesk.identity import Role, User
from copydesk.identity.hashing import OWASP, Hasher
from copydesk.kernel import Unavailable
from copydesk.stack import ROLES, RoleOptions, embedded_stack, role_environment, spawn, stop, wait_until
from copydesk.stack.process import leash, port_answers

Say = Callable[[str], None]
PASSWORD = "correct horse battery staple"  # noqa: S105 - of people who never were
_WRONG = "incorrect horse battery staple"
_READY_S = 60
_TRIES_PER_PERSON = 4
# Right, wrong, right, nobody: every second sign-in succeeds.
_KINDS = (True, False, True, None)
_CENTILES = {"p50": 49, "p95": 94, "p99": 98}
_SEEN_OTHER, _BUSY, _TOO_MANY, _WRONG_PASSWORD = 303, 503, 429, 422


@dataclass(frozen=True, slots=True)
class SignInPlan:
    """So many sign-ins a second for so long; `calm_s` is for how long pages are visited with nobody signing in."""

    rate: float = 40.0
    seconds: float = 20.0
    plain: bool = True

    @property
    def tries(self) -> int:
        return int(self.rate * self.seconds)

    @property
    def people(self) -> int:
        """Return how many accounts there are, so that nobody's wrong passwords are too many."""
        return max(self.tries // _TRIES_PER_PERSON, 1)


class InlineHasher:
    """The plain way: each request checks its password itself, however many there are (see `identity.port.Hashing`)."""

    def __init__(self) -> None:
        self._argon = PasswordHasher(OWASP.passes, OWASP.memory_kib, OWASP.lanes)
        self._nobodys = self._argon.hash("of nobody")

    def hash(self, password: str, /) -> str:
        return self._argon.hash(password)

    def matches(self, stored: str | None, password: str, /) -> bool:
        try:
            return self._argon.verify(stored or self._nobodys, password) and stored is not None
        except VerificationError:
            return False

    def is_outdated(self, stored: str, /) -> bool:
        return self._argon.check_needs_rehash(stored)


def run_sign_ins(
    plan: SignInPlan, options: RoleOptions, environ: Mapping[str, str], plain_words: Sequence[str], say: Say
) -> dict[str, Any]:
    """Measure pages without a flood, then the flood, on our site and on the plain one, one after the other.

    `plain_words` are the words after the command's name that serve the plain site at a `--port`.
    """
    ours = next(role for role in ROLES if role.name == "web").argv(options)
    sites = {"ours": ours, "plain": [ours[0], *plain_words, "--port", str(options.port)]}
    if not plan.plain:
        del sites["plain"]
    with embedded_stack(options.var_dir, say=say) as stack:
        migrate(stack.owner_url)
        environment = role_environment(environ, stack, options, lab=False)
        runtime = Runtime(environment)
        try:
            _people(runtime, plan.people)
            host = runtime.tenant(runtime.tenant_ids[BRAND]).hosts[0]
        finally:
            runtime.close()
        figures: dict[str, Any] = {"rate_per_s": plan.rate, "seconds": plan.seconds, "sign_ins": plan.tries}
        for name, command in sites.items():
            with _serving(options, command, environment):
                say(f"{name}: pages alone, then {plan.rate:g} sign-ins a second for {plan.seconds:g} s")
                calm = asyncio.run(visit(options.port, host, (), rate=0, seconds=plan.seconds))
                flood = asyncio.run(
                    visit(options.port, host, tries(plan), rate=plan.rate, seconds=plan.seconds),
                )
            figures |= summarize(calm, flood, "" if name == "ours" else f"{name}_")
    return figures


def tries(plan: SignInPlan) -> list[Try]:
    """Return the flood: everybody from a network of their own, as the count of failures has it."""
    found = []
    for number, kind in enumerate(islice(cycle(_KINDS), plan.tries)):
        person = number % plan.people
        email = f"nobody-{number}@bench.invalid" if kind is None else _email(person)
        network = plan.people + number if kind is None else person
        address = f"11.{network >> 8 & 255}.{network & 255}.{network >> 16 & 255}"
        found.append(Try(email, PASSWORD if kind else _WRONG, address, bool(kind)))
    return found


def summarize(calm: Heard, flood: Heard, prefix: str) -> dict[str, Any]:
    """Return medians and high percentiles in ms, and how many sign-ins got which answer."""
    answers = flood.sign_in_answers
    told = {
        "signed_in": answers[_SEEN_OTHER],
        "refused": answers[_WRONG_PASSWORD],
        "asked_to_wait": answers[_BUSY] + answers[_TOO_MANY],
        "served_ratio": _ratio(answers[_SEEN_OTHER] + answers[_WRONG_PASSWORD], sum(answers.values())),
        "unanswered": sum(answers.values()) - sum(answers[code] for code in _ANSWERS),
        **_centiles("signin", flood.sign_in_ms),
        **_centiles("page_calm", calm.page_ms),
        **_centiles("page_flood", flood.page_ms),
        "page_flood_more_ms": round(_p95(flood.page_ms) - _p95(calm.page_ms), 1),
        "pages_failed": sum(count for code, count in (calm.page_answers + flood.page_answers).items() if code != 200),
    }
    return {f"{prefix}{name}": value for name, value in told.items()}


_ANSWERS = (_SEEN_OTHER, _WRONG_PASSWORD, _BUSY, _TOO_MANY)


def _centiles(name: str, values: Sequence[float]) -> dict[str, float]:
    cut = quantiles(values, n=100, method="inclusive") if len(values) > 1 else [*values, 0.0][:1] * 99
    return {f"{name}_{centile}_ms": round(cut[at], 1) for centile, at in _CENTILES.items()}


def _ratio(part: int, whole: int) -> float:
    return round(part / whole, 3) if whole else 0.0


def _p95(values: Sequence[float]) -> float:
    return _centiles("any", values)["any_p95_ms"]


def _email(number: int) -> str:
    return f"person-{number}@bench.invalid"


def _people(runtime: Runtime, count: int) -> None:
    """Store people with one password; that all have the same salt, too, costs a check nothing less."""
    hasher = Hasher()
    hashed = hasher.hash(PASSWORD)
    hasher.close()
    tenant_id = runtime.tenant_ids[BRAND]
    with runtime.db.tenant(tenant_id) as session:
        session.add_all(
            User(
                tenant_id=tenant_id,
                email=_email(number),
                display_name=f"Person {number}",
                role=Role.FOLLOWER,
                password_hash=hashed,
            )
            for number in range(count)
        )


@contextmanager
def _serving(options: RoleOptions, command: Sequence[str], environment: dict[str, str]) -> Iterator[None]:
    """Run a site for as long as the block lasts."""
    log = options.var_dir / "log" / "web.log"
    process: subprocess.Popen[bytes] = spawn([*leash("KILL"), *command], log, env=environment)
    try:
        up = wait_until(
            lambda: process.poll() is not None or port_answers(options.port), patience_s=_READY_S, poll_s=0.1
        )
        if not up or process.poll() is not None:
            raise Unavailable(f"the site does not start: {log.read_text().strip().rpartition(chr(10))[2]}")
        yield
    finally:
        stop(process)
