"""How long somebody waits after how many failures. Pure.

A few failures are free, then each costs twice the wait of the one before, up to a bound: nobody is locked out for good,
because that would let anybody lock anybody out. Failures are forgotten one by one with time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Scope(StrEnum):
    """What failures are counted for. The word is stored."""

    ACCOUNT = "account"  # An address that was typed, whether or not anybody has it.
    DEVICE = "device"  # An account from a network that it was signed in from before.
    NETWORK = "network"  # Everybody behind one /24 or /64.
    NETWORK_AROUND = "network_around"  # Everybody behind one /48 of IPv6, as anybody gets it for free.
    CONFIRM = "confirm"  # A signed-in user who types their password again.
    MAIL = "mail"  # Mails to one address that anybody may ask for.
    MAIL_NETWORK = "mail_network"  # What anybody may ask for and costs a mail, or the judging of a password.
    MAIL_NETWORK_AROUND = "mail_network_around"
    GUEST_NETWORK = "guest_network"  # Demo accounts, which cost the simulated exchange room.
    GUEST_NETWORK_AROUND = "guest_network_around"


@dataclass(frozen=True, slots=True)
class Rule:
    """So many failures are `free`; the next waits `first`, each after it twice as long, none longer than `longest`.

    One failure is forgotten every `fades`.
    """

    free: int
    first: timedelta
    longest: timedelta
    fades: timedelta


_MINUTE = timedelta(minutes=1)
_NETWORK = Rule(30, timedelta(seconds=2), 15 * _MINUTE, _MINUTE)
_MAIL_NETWORK = Rule(20, timedelta(seconds=10), 15 * _MINUTE, 2 * _MINUTE)


def _around(rule: Rule) -> Rule:
    """Return the rule for all the networks of one IPv6 site together: ten times the tries of one."""
    return Rule(10 * rule.free, rule.first, rule.longest, rule.fades / 10)


def guest_rules(daily: int) -> dict[Scope, Rule]:
    """Return the rules for demo accounts of which a network opens so many a day, as the brand sets it."""
    rule = Rule(daily, 60 * _MINUTE, 60 * _MINUTE, timedelta(days=1) / daily)
    return {Scope.GUEST_NETWORK: rule, Scope.GUEST_NETWORK_AROUND: _around(rule)}


RULES: Mapping[Scope, Rule] = {
    Scope.ACCOUNT: Rule(5, timedelta(seconds=5), 15 * _MINUTE, 10 * _MINUTE),
    Scope.DEVICE: Rule(5, timedelta(seconds=5), 15 * _MINUTE, 10 * _MINUTE),
    Scope.NETWORK: _NETWORK,
    Scope.NETWORK_AROUND: _around(_NETWORK),
    Scope.CONFIRM: Rule(5, timedelta(seconds=5), 15 * _MINUTE, 10 * _MINUTE),
    Scope.MAIL: Rule(3, 5 * _MINUTE, 60 * _MINUTE, 20 * _MINUTE),
    Scope.MAIL_NETWORK: _MAIL_NETWORK,
    Scope.MAIL_NETWORK_AROUND: _around(_MAIL_NETWORK),
    **guest_rules(20),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How often something failed lately, when last, and when it may be tried again."""

    failures: int
    last_at: datetime
    next_at: datetime


def wait_left(standing: Standing, now: datetime) -> timedelta:
    """Return how long there is still to wait, zero where it may be tried now."""
    return max(standing.next_at - now, timedelta())


def after_failure(rule: Rule, standing: Standing | None, now: datetime) -> Standing:
    """Count one failure, after what time has forgotten."""
    failures = _remembered(rule, standing, now) + 1
    return Standing(failures, now, now + delay(rule, failures))


def after_success(rule: Rule, standing: Standing, now: datetime) -> Standing:
    """Take back the failure that was counted before the try; earlier ones stay."""
    failures = max(_remembered(rule, standing, now) - 1, 0)
    return Standing(failures, now, now)


def delay(rule: Rule, failures: int) -> timedelta:
    """Return how long the next try waits after so many failures."""
    over = failures - rule.free
    if over <= 0:
        return timedelta()
    # Doubling is bounded before it is multiplied: a large count must not overflow.
    doublings = min(over - 1, (rule.longest // rule.first).bit_length())
    return min(rule.first * (1 << doublings), rule.longest)


def _remembered(rule: Rule, standing: Standing | None, now: datetime) -> int:
    if standing is None:
        return 0
    faded = max(now - standing.last_at, timedelta()) // rule.fades
    return max(standing.failures - faded, 0)
