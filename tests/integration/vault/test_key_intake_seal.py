"""An entered key opens where exchange keys may be opened, in its own row, and nowhere else."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import Field, fields, replace
from pathlib import Path

import pytest
from copydesk.kernel import ConfigError, Unavailable
from copydesk.vault import FileKeyStore, IntakePlace, IntakePrivate, IntakePublic, MemoryKeyStore, SealBroken
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from vault_site import EXCHANGE, IDENTITY, Site, public_half, vault_site

PLACE = IntakePlace(tenant_id=1, intake_id=22, user_id=333, account_id=4, venue="okx", environment="lab")
ENTERED = '{"api_key": "k", "secret": "canary-secret"}'


@pytest.fixture(scope="module")
def site(database_url: str, owner_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with vault_site(database_url, owner_url, tmp_path_factory.mktemp("keys"), accounts=0) as site:
        yield site


def test_before_the_listener_ever_ran_nothing_is_taken(site: Site) -> None:
    with pytest.raises(Unavailable, match="the listener has not started"):
        public_half(site).seal(PLACE, ENTERED)
    site.room.intake.ready()
    site.room.intake.ready()
    assert site.room.intake.open(PLACE, public_half(site).seal(PLACE, ENTERED)) == ENTERED


@pytest.mark.parametrize("field", fields(IntakePlace), ids=lambda field: field.name)
def test_it_opens_in_its_own_row_only_and_for_what_that_asked(site: Site, field: Field[object]) -> None:
    site.room.intake.ready()
    sealed = public_half(site).seal(PLACE, ENTERED)
    with pytest.raises(SealBroken):
        site.room.intake.open(replace(PLACE, **{field.name: "live" if field.type == "str" else 9}), sealed)


def test_a_single_changed_bit_is_noticed(site: Site) -> None:
    site.room.intake.ready()
    sealed = public_half(site).seal(PLACE, ENTERED)

    @given(st.integers(min_value=0, max_value=len(sealed) * 8 - 1))
    def flipped(bit: int) -> None:
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            site.room.intake.open(PLACE, bytes(changed))

    flipped()
    with pytest.raises(SealBroken, match="cut short"):
        site.room.intake.open(PLACE, sealed[:30])


def test_the_pages_cannot_open_what_they_sealed(site: Site, tmp_path: Path) -> None:
    """What the pages have is their own store: the private half was wrapped by the other."""
    site.room.intake.ready()
    sealed = public_half(site).seal(PLACE, ENTERED)
    pages = site.store(IDENTITY)
    with pytest.raises(SealBroken):
        IntakePrivate(pages, pages, site.db).open(PLACE, sealed)
    assert b"canary" not in sealed


def test_a_public_half_that_somebody_wrote_into_the_database_is_not_used(site: Site) -> None:
    site.room.intake.ready()
    stranger = MemoryKeyStore()
    with site.db.installation() as session:
        name = "intake-public:000000999"
        forged = stranger.wrap(bytes(32), context=b"copydesk installation key " + name.encode())
        session.execute(text("INSERT INTO installation_key VALUES (:name, :forged)"), {"name": name, "forged": forged})
    try:
        with pytest.raises(SealBroken):
            public_half(site).seal(PLACE, ENTERED)
    finally:
        # The application may not delete a key: this one is made the older one by a turn.
        assert site.room.intake.turn() == 1_000
    assert site.room.intake.open(PLACE, public_half(site).seal(PLACE, ENTERED)) == ENTERED


def test_a_key_of_the_installation_is_wrapped_anew_and_not_renamed(site: Site) -> None:
    site.room.intake.ready()
    with pytest.raises(ProgrammingError, match="permission denied"), site.db.installation() as session:
        session.execute(text("UPDATE installation_key SET name = 'x' || name"))
    with site.db.installation() as session:
        session.execute(text("UPDATE installation_key SET wrapped = wrapped"))


def test_what_waits_under_an_older_pair_still_opens(site: Site) -> None:
    site.room.intake.ready()
    waiting = public_half(site).seal(PLACE, ENTERED)
    site.room.intake.turn()
    assert public_half(site).seal(PLACE, ENTERED)[1:5] != waiting[1:5]
    assert IntakePrivate(site.store(EXCHANGE), site.store(IDENTITY), site.db).open(PLACE, waiting) == ENTERED


def test_listeners_that_start_together_make_one_pair(site: Site) -> None:
    for _ in range(2):
        IntakePrivate(site.store(EXCHANGE), site.store(IDENTITY), site.db).ready()
    assert site.room.intake.open(PLACE, public_half(site).seal(PLACE, ENTERED)) == ENTERED


def test_without_the_pages_key_file_it_is_said(site: Site, tmp_path: Path) -> None:
    site.room.intake.ready()
    with pytest.raises(ConfigError, match="is missing"):
        IntakePublic(FileKeyStore(tmp_path / "key"), site.db).seal(PLACE, ENTERED)


def test_the_private_half_does_not_leave_its_process(site: Site) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(site.room.intake)
