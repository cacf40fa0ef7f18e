"""Whatever people do one after the other, what holds is what was published last."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest
from copydesk.db import Database
from copydesk.kernel import Refused
from copydesk.tenancy import Layer, Revision, RevisionState, explain
from hypothesis import given, settings
from hypothesis import strategies as st
from settings_office import MARA, NILS, Office, open_office

PEOPLE = st.sampled_from((MARA, NILS))
VALUES = {
    "brand.name": st.sampled_from(("Dawn", "Dusk", None)),
    "brand.radius_px": st.sampled_from((1, 2, 99, None)),
    "fees.profit_share_ratio": st.sampled_from((Decimal("0.05"), Decimal("0.20"), None)),
    "markets": st.sampled_from(({"SOL/USDT": {"on": False}}, {"XRP/USDT": {}}, None)),
}
CHANGES = st.dictionaries(st.sampled_from(sorted(VALUES)), st.none(), min_size=1).flatmap(
    lambda keys: st.fixed_dictionaries({key: VALUES[key] for key in keys})
)
NUMBERS = st.integers(0, 6)
STEPS = st.one_of(
    st.tuples(st.just("change"), CHANGES, PEOPLE),
    st.tuples(st.sampled_from(("approve", "refuse", "rollback")), NUMBERS, PEOPLE),
)


@pytest.fixture(scope="module")
def laws(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Office]:
    db = Database.connect(database_url, pool_size=2)
    yield open_office(db, tmp_path_factory.mktemp("laws"))
    db.dispose()


@settings(max_examples=15)
@given(st.lists(STEPS, max_size=9))
def test_what_holds_is_the_value_set_of_the_revision_published_last(
    laws: Office, owner_url: str, steps: list[tuple[str, object, object]]
) -> None:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("TRUNCATE setting_revision; UPDATE tenant SET revision = 0")
    held: Revision | None = None
    for act, subject, who in steps:
        try:
            done = getattr(laws, act)(subject, who)
        except Refused:
            continue
        if done.state is RevisionState.PUBLISHED:
            held = done
            assert act != "approve" or done.author_id != getattr(who, "user_id", None)
    now = laws.now
    assert (now.revision, dict(now.values)) == ((held.id, dict(held.values)) if held else (0, {}))
    assert not laws.directory.problems()
    tenant = laws.tenant
    for key, value in now.values.items():
        told = explain(tenant, key)
        assert told.layer is Layer.PANEL
        assert key == "markets" or told.value == value
        assert now.origins[key].revision <= max(one.id for one in laws.history)
