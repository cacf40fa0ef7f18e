"""Where a directory learns what panels have set: one query tells whether anything changed, one more reads a brand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from typing import NamedTuple, Protocol, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from copydesk.db import Database
from copydesk.kernel import ConfigError, Unavailable
from copydesk.tenancy.model import Overrides, TenantStatus
from copydesk.tenancy.revision_store import read_overrides
from copydesk.tenancy.tables import TenantRecord

FIRST_S, LATER_S = 5.0, 0.25
_T = TypeVar("_T")
_BRANDS = TenantRecord.__table__.c
_HEADS = select(_BRANDS.slug, _BRANDS.id, _BRANDS.revision, _BRANDS.status, _BRANDS.suspend_reason)


class Head(NamedTuple):
    """What the database says of a brand besides its settings; another `revision` means other values."""

    tenant_id: int
    revision: int = 0
    status: TenantStatus = TenantStatus.ACTIVE
    suspend_reason: str = ""


class OverrideSource(Protocol):
    """Tell what panels have set. Both raise `Unavailable` when that cannot be known now."""

    def heads(self) -> Mapping[str, Head]:
        """Return every registered brand by its slug."""
        ...

    def values(self, tenant_id: int) -> Overrides:
        """Return what a brand's panel has set."""
        ...


class DatabaseOverrides:
    """Read overrides from PostgreSQL, whose first use connects.

    A server that hangs must not hold up who looks: each question is asked in a thread of its own and waited for no
    longer than a moment (`FIRST_S` for the first answer and a brand's values, `LATER_S` for each further look); while
    one is open nobody waits at all.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._asking = threading.Lock()
        self._patience_s = FIRST_S

    def heads(self) -> Mapping[str, Head]:
        """Return every registered brand by its slug."""
        heads = self._answer(self._heads, self._patience_s)
        self._patience_s = LATER_S
        return heads

    def values(self, tenant_id: int) -> Overrides:
        """Return what a brand's panel has set."""
        return self._answer(lambda: self._values(tenant_id), FIRST_S)

    def _heads(self) -> Mapping[str, Head]:
        with self._database().installation() as session:
            rows = session.execute(_HEADS).all()
        return {slug: Head(number, revision, TenantStatus(status), why) for slug, number, revision, status, why in rows}

    def _values(self, tenant_id: int) -> Overrides:
        with self._database().tenant(tenant_id) as session:
            return read_overrides(session)

    def _answer(self, ask: Callable[[], _T], patience_s: float) -> _T:
        if not self._asking.acquire(blocking=False):
            raise _unknown("PostgreSQL has not answered yet")
        answers: SimpleQueue[_T | Unavailable] = SimpleQueue()
        threading.Thread(target=self._ask, args=(ask, answers), name="panel-overrides", daemon=True).start()
        try:
            answer = answers.get(timeout=patience_s)
        except Empty:
            raise _unknown(f"PostgreSQL has not answered within {patience_s:g} s") from None
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    def _ask(self, ask: Callable[[], _T], answers: SimpleQueue[_T | Unavailable]) -> None:
        answer: _T | Unavailable = _unknown("the question failed")
        try:
            answer = ask()
        except SQLAlchemyError as error:
            answer = _unknown(str(getattr(error, "orig", None) or error))
        except ConfigError as error:
            answer = _unknown(str(error))
        finally:
            self._asking.release()
            answers.put(answer)


def _unknown(reason: str) -> Unavailable:
    first = reason.strip().splitlines()
    return Unavailable(f"what panels have set is not known: {first[0] if first else 'no answer'}")
