"""What a change of a brand's settings is: proposed or published by somebody, for a reason. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from copydesk.kernel import InvalidInput
from copydesk.tenancy.model import TenantError


class RevisionState(StrEnum):
    """Where a revision stands.

    A proposal waits for a second person, who publishes or refuses it. `SUPERSEDED` is a proposal that a later change of
    the same keys has overtaken. What was published once stays so, also when others came after it.
    """

    PROPOSED = "proposed"
    PUBLISHED = "published"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


class Change(NamedTuple):
    """One key of a revision: the values that held before and hold after it, whichever layer they come from.

    `was` and `put` are the overrides behind them, None where there is none.
    """

    before: object
    after: object
    was: object | None = None
    put: object | None = None


@dataclass(frozen=True)
class Revision:
    """One change of a brand's settings. `values` is the whole override set that it made, or would make.

    `author_id` is None where the operator's command line made it.
    """

    id: int
    state: RevisionState
    author_id: int | None
    author: str
    reason: str
    created_at: datetime
    decided_by: str
    decided_at: datetime | None
    changes: Mapping[str, Change]
    values: Mapping[str, object]
    hash: str
    rolls_back: int | None = None


class RefusedSettings(InvalidInput):
    """Refuse a change of settings as a whole; `errors` names each key with what was expected and what was found."""

    code = "refused_settings"

    def __init__(self, errors: Sequence[TenantError]) -> None:
        assert errors, "a refusal has a reason"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{errors[0]}{more}")
        self.errors = list(errors)
