"""Values of a provider: which fields its account has, what is asked to prove its keys, and what came back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a provider gives its customer. `label` is the provider's own word for it, as its pages have it.

    `starts` are the beginnings that such a value has, where the provider documents them: a key in the wrong field is
    noticed before anybody is asked. `choices` lists the only values there are.
    """

    name: str
    label: str
    required: bool = True
    starts: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What a brand has entered, by field name. Secrets are never shown."""

    public: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request that proves keys: `path` with its query, beginning with a slash. Headers hold secrets."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider as data. `bases` maps the environments of its accounts to addresses, the usual one first.

    `accepted` are the statuses that prove the keys, `refused` those that say they are wrong. `docs` is the page that
    documents the question asked.
    """

    name: str
    title: str
    secrets: tuple[Field, ...]
    bases: Mapping[str, str]
    ask: Callable[[Given, datetime], Ask]
    docs: str
    public: tuple[Field, ...] = ()
    accepted: frozenset[int] = frozenset({200})
    refused: frozenset[int] = frozenset({401, 403})

    @property
    def environments(self) -> Field | None:
        """Return the public field that chooses among several addresses; None where there is one alone."""
        if len(self.bases) == 1:
            return None
        return Field("environment", "Environment", required=False, choices=tuple(self.bases))

    @property
    def public_fields(self) -> tuple[Field, ...]:
        """List what a browser may see, the environment first."""
        chosen = self.environments
        return (chosen, *self.public) if chosen else self.public

    def base_of(self, given: Given) -> str:
        """Return the address of the environment that was chosen, or the usual one's."""
        usual = next(iter(self.bases.values()))
        return self.bases.get(given.public.get("environment", ""), usual)


class Outcome(StrEnum):
    """What a probe found."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # The provider says that the keys are wrong, or may not read their own account.
    UNREACHABLE = "unreachable"  # Nobody answered: the keys may be right.
    UNEXPECTED = "unexpected"  # An answer that proves neither.


@dataclass(frozen=True, slots=True)
class Probe:
    """How a probe ended: `status` is the provider's, 0 where none came; `said` its own words, one line, no secrets."""

    outcome: Outcome
    status: int = 0
    said: str = ""

    @property
    def ok(self) -> bool:
        return self.outcome is Outcome.ACCEPTED


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong with an entry before anybody is asked: the field ("" the provider itself), expected, found."""

    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        subject = f"{self.field}: " if self.field else ""
        return f"{subject}expected {self.expected}, found {self.found}"
