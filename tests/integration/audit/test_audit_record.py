"""The record on a real database: written beside the change, chained by whichever process comes first, never changed."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg
import pytest
from copydesk.audit import OPERATOR, SYSTEM, Act, Actor, ActorKind, read_entries, record, record_all
from copydesk.audit.findings import Problem, Report
from copydesk.audit.lines import checkpoint_line
from copydesk.audit.notary import Brand, Notary
from copydesk.audit.store import read_checkpoints, read_head
from copydesk.audit.verify import verify
from copydesk.db import Database
from copydesk.kernel import ConfigError
from copydesk.tenancy import ensure_tenant
from sqlalchemy import text

AT = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
MARA = Actor(ActorKind.USER, 17, 4, "203.0.113.9")
THREADS, EACH = 4, 25
_NUMBERS = count(1)


@pytest.fixture
def brand(db: Database) -> Brand:
    """A brand of this test's own."""
    slug = f"brand-{next(_NUMBERS)}"
    with db.installation() as session:
        return Brand(ensure_tenant(session, slug), slug)


@pytest.fixture
def notary(tmp_path: Path) -> Notary:
    return Notary(tmp_path / "audit")


def write(db: Database, brand: Brand, *acts: str) -> None:
    with db.tenant(brand.tenant_id) as session:
        for act in acts:
            record(session, brand.tenant_id, MARA, act, "user:17", at=AT, after={"act": act})


def sign(db: Database, brand: Brand, notary: Notary) -> int | None:
    with db.tenant(brand.tenant_id) as session:
        made = notary.checkpoint(session, brand, at=AT)
    return made and made.seq


def exported(db: Database, brand: Brand, notary: Notary) -> list[bytes]:
    with db.tenant(brand.tenant_id) as session:
        return list(notary.export(session, brand, at=AT))


def judged(db: Database, brand: Brand, notary: Notary) -> Report:
    return verify(exported(db, brand, notary), [notary.public])


def test_entries_come_back_as_they_were_written(db: Database, brand: Brand) -> None:
    before, after = {"ü": [1, None, True, {"x": "y"}], "big": 2**70}, {"password": "canary", "limit": "5"}
    with db.tenant(brand.tenant_id) as session:
        assert record(session, brand.tenant_id, MARA, "limit.changed", "user:1", at=AT, before=before, after=after) == 1
        assert record(session, brand.tenant_id, SYSTEM, "key.disarmed", "account:2", at=AT) == 2
    with db.tenant(brand.tenant_id) as session:
        second, first = read_entries(session, brand.tenant_id)
    assert (first.seq, first.actor, first.at, first.before) == (1, MARA, AT, before)
    assert first.after == {"password": "[redacted]", "limit": "5"}
    assert (second.actor, second.prev, second.before) == (SYSTEM, first.hash, None)


def test_an_act_that_is_rolled_back_leaves_no_line_and_no_gap(db: Database, brand: Brand, notary: Notary) -> None:
    write(db, brand, "user.blocked")
    with pytest.raises(RuntimeError), db.tenant(brand.tenant_id) as session:
        record(session, brand.tenant_id, MARA, "user.unblocked", "user:17", at=AT)
        raise RuntimeError("the change failed")
    write(db, brand, "user.closed")
    report = judged(db, brand, notary)
    assert (report.ok, report.entries, report.last_seq) == (True, 2, 2)


def test_many_acts_at_once_are_chained_as_if_one_by_one(db: Database, brand: Brand, notary: Notary) -> None:
    acts = [Act("key.revoked", f"account:{number}") for number in range(2_500)]
    with db.tenant(brand.tenant_id) as session:
        assert record_all(session, brand.tenant_id, OPERATOR, acts, at=AT) == 2_500
        assert record_all(session, brand.tenant_id, OPERATOR, [], at=AT) == 2_500
    assert judged(db, brand, notary).entries == 2_500


def test_processes_that_write_at_once_make_one_chain(db: Database, brand: Brand, notary: Notary) -> None:
    start = threading.Barrier(THREADS)

    def busy(number: int) -> None:
        start.wait()
        for turn in range(EACH):
            with db.tenant(brand.tenant_id) as session:
                actor = replace(MARA, user_id=number)
                record(session, brand.tenant_id, actor, "limit.changed", f"turn:{turn}", at=AT)

    threads = [threading.Thread(target=busy, args=(number,)) for number in range(1, THREADS + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = judged(db, brand, notary)
    assert (report.ok, report.entries, report.last_seq) == (True, THREADS * EACH, THREADS * EACH)
    with db.tenant(brand.tenant_id) as session:
        mine = [entry.subject for entry in read_entries(session, brand.tenant_id, user_id=2)]
    assert mine == [f"turn:{turn}" for turn in reversed(range(EACH))]


def test_lists_go_on_where_they_stopped_and_are_narrowed_down(db: Database, brand: Brand) -> None:
    write(db, brand, "key.connected", "key.revoked", "keys.listed", "staff.granted")
    with db.tenant(brand.tenant_id) as session:

        def seqs(**asked: object) -> list[int]:
            return [entry.seq for entry in read_entries(session, brand.tenant_id, **asked)]  # type: ignore[arg-type]

        assert seqs(limit=2) == [4, 3]
        assert seqs(limit=2, before_seq=3) == [2, 1]
        assert seqs(act="key.") == [2, 1]
        assert seqs(act="key.revoked") == [2]
        assert seqs(subject="user:17", user_id=17) == [4, 3, 2, 1]
        assert seqs(subject="user:18") == seqs(user_id=18) == []


def test_a_checkpoint_is_made_once_for_what_was_added(db: Database, brand: Brand, notary: Notary) -> None:
    assert sign(db, brand, notary) is None
    write(db, brand, "user.blocked")
    assert sign(db, brand, notary) == 1
    assert sign(db, brand, notary) is None
    write(db, brand, "user.unblocked", "user.closed")
    assert sign(db, brand, notary) == 3
    with db.tenant(brand.tenant_id) as session:
        assert [(one.number, one.seq) for one in read_checkpoints(session, brand.tenant_id)] == [(1, 1), (2, 3)]
    assert judged(db, brand, notary).checkpoints == 2


def test_an_export_begins_with_a_header_and_signs_its_end(db: Database, brand: Brand, notary: Notary) -> None:
    write(db, brand, "user.blocked")
    sign(db, brand, notary)
    kinds = [json.loads(line)["kind"] for line in exported(db, brand, notary)]
    assert kinds == ["header", "entry", "checkpoint", "end"]


def test_a_brand_without_acts_has_an_export_that_verifies(db: Database, brand: Brand, notary: Notary) -> None:
    report = judged(db, brand, notary)
    assert (report.ok, report.entries, report.tenant) == (True, 0, brand.slug)


@pytest.mark.parametrize(
    ("statement", "problem", "where"),
    [
        ("UPDATE audit_entry SET subject = 'user:99' WHERE seq = 3", Problem.EDITED, (3, None)),
        ("DELETE FROM audit_entry WHERE seq = 3", Problem.MISSING, (3, 3)),
        ("DELETE FROM audit_checkpoint WHERE number = 1", None, (None, None)),
    ],
)
def test_the_databases_owner_hides_nothing_from_the_export(
    db: Database,
    brand: Brand,
    notary: Notary,
    owner_url: str,
    statement: str,
    problem: Problem | None,
    where: tuple[int | None, int | None],
) -> None:
    write(db, brand, *["limit.changed"] * 5)
    sign(db, brand, notary)
    with psycopg.connect(owner_url) as connection:
        connection.execute(f"{statement} AND tenant_id = {brand.tenant_id}")
    found = [(one.problem, one.seq, one.seq_to) for one in judged(db, brand, notary).findings]
    assert found == ([(problem, *where)] if problem else [])


def test_a_tail_that_the_databases_owner_cut_off_is_missed_by_the_copy_beside_the_key(
    db: Database, brand: Brand, notary: Notary, owner_url: str
) -> None:
    write(db, brand, *["limit.changed"] * 5)
    sign(db, brand, notary)
    with db.tenant(brand.tenant_id) as session:
        third = next(entry for entry in read_entries(session, brand.tenant_id) if entry.seq == 3)
    own = f"WHERE tenant_id = {brand.tenant_id}"
    with psycopg.connect(owner_url) as connection:
        connection.execute(f"DELETE FROM audit_entry {own} AND seq > 3")
        connection.execute(f"DELETE FROM audit_checkpoint {own}")
        connection.execute(f"UPDATE audit_head SET seq = 3, hash = '{third.hash}' {own}")
    assert [(one.problem, one.seq, one.seq_to) for one in judged(db, brand, notary).findings] == [
        (Problem.MISSING, 4, 5)
    ]


def test_the_copy_beside_the_key_is_what_the_database_stored(
    db: Database, brand: Brand, notary: Notary, tmp_path: Path
) -> None:
    write(db, brand, "user.blocked")
    sign(db, brand, notary)
    with db.tenant(brand.tenant_id) as session:
        (stored,) = read_checkpoints(session, brand.tenant_id)
    assert (tmp_path / "audit" / f"{brand.slug}.checkpoints.jsonl").read_bytes() == checkpoint_line(stored)


def test_the_key_is_made_once_for_its_owner_only_and_shown_to_nobody(tmp_path: Path) -> None:
    public = Notary(tmp_path).public
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert Notary(tmp_path).public.text == public.text
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(ConfigError, match="must be readable by its owner only"):
        _ = Notary(tmp_path).public
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "key").write_text("copydesk-audit-key-1:short")
    with pytest.raises(ConfigError, match="is malformed"):
        _ = Notary(tmp_path).public


def test_the_applications_role_adds_lines_and_changes_none(db: Database, brand: Brand, database_url: str) -> None:
    write(db, brand, "user.blocked")
    for act in ("UPDATE audit_entry SET act = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(database_url) as connection:
            connection.execute(f"SET app.tenant = '{brand.tenant_id}'")
            connection.execute(act)
    with db.tenant(brand.tenant_id) as session:
        assert read_head(session, brand.tenant_id)[0] == 1


def test_acts_of_one_brand_do_not_wait_for_anothers(db: Database, brand: Brand) -> None:
    with db.installation() as session:
        other = Brand(ensure_tenant(session, "another"), "another")
    with db.tenant(brand.tenant_id) as session:
        record(session, brand.tenant_id, MARA, "user.blocked", "user:17", at=AT)
        with db.tenant(other.tenant_id) as beside:
            beside.execute(text("SET LOCAL lock_timeout = '1s'"))
            assert record(beside, other.tenant_id, MARA, "user.blocked", "user:17", at=AT) == 1
