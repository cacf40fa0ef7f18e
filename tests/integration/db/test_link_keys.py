"""Keys of links on a real database: the same for every process, another for each brand and use, void after a turn."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from copydesk.db import Database
from copydesk.kernel import ConfigError
from copydesk.vault import FileKeyStore, LinkKeys, SealBroken
from sqlalchemy import text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("web")


def opened(db: Database, folder: Path) -> LinkKeys:
    return LinkKeys(FileKeyStore(folder / "key"), db)


def test_before_the_first_link_there_is_no_key_and_no_file(db: Database, folder: Path) -> None:
    assert opened(db, folder).known("desk", "aurora") is None
    assert not (folder / "key").exists()


def test_every_process_derives_the_same_key(db: Database, folder: Path) -> None:
    made = opened(db, folder).made("desk", "aurora")
    assert len(made) == 32
    assert opened(db, folder).made("desk", "aurora") == opened(db, folder).known("desk", "aurora") == made


def test_each_brand_and_each_use_has_a_key_of_its_own(db: Database, folder: Path) -> None:
    keys = opened(db, folder)
    found = {keys.made(purpose, slug) for purpose in ("desk", "other") for slug in ("aurora", "boreal")}
    assert len(found) == 4


def test_a_turn_by_one_process_holds_for_the_others_at_once(db: Database, folder: Path) -> None:
    reading, turning = opened(db, folder), opened(db, folder)
    before = reading.made("desk", "aurora")
    version = turning.turn()
    after = reading.known("desk", "aurora")
    assert after is not None
    assert after != before
    assert turning.turn() == version + 1
    assert reading.known("desk", "aurora") not in (before, after)


def test_what_is_stored_opens_with_its_own_key_file_only(db: Database, folder: Path, tmp_path: Path) -> None:
    opened(db, folder).made("desk", "aurora")
    with pytest.raises(ConfigError, match="is missing"):
        opened(db, tmp_path).known("desk", "aurora")
    FileKeyStore(tmp_path / "key").wrap(b"x" * 32, context=b"another installation")
    with pytest.raises(SealBroken):
        opened(db, tmp_path).known("desk", "aurora")


def test_the_key_is_nowhere_in_the_database(db: Database, folder: Path) -> None:
    key = opened(db, folder).made("desk", "aurora")
    with db.installation() as session:
        stored = session.execute(text("SELECT wrapped FROM installation_key WHERE name LIKE 'link:%'")).scalars().all()
    assert stored
    assert all(key not in wrapped for wrapped in stored)


def test_a_key_does_not_leave_its_process(db: Database, folder: Path) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(opened(db, folder))
