"""A key file with versions: the newest wraps, every one unwraps, and processes that run see a turn by another."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from copydesk.kernel import ConfigError, NotFound
from copydesk.vault import FileKeyStore, MemoryKeyStore, SealBroken, TurningKeyStore

KEY, CONTEXT = bytes(range(32)), b"data key 1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "key"


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_what_an_older_version_wrapped_still_opens_and_comes_under_the_newest(path: Path, kind: str) -> None:
    store: TurningKeyStore = FileKeyStore(path) if kind == "file" else MemoryKeyStore()
    assert store.newest() == 0
    old = store.wrap(KEY, context=CONTEXT)
    assert (store.newest(), store.version_of(old)) == (1, 1)
    assert store.rewrap(old, context=CONTEXT) == old
    assert store.turn() == 2
    new = store.rewrap(old, context=CONTEXT)
    assert store.version_of(new) == 2
    assert store.unwrap(old, context=CONTEXT) == store.unwrap(new, context=CONTEXT) == KEY
    with pytest.raises(SealBroken):
        store.unwrap(new, context=b"data key 2")


def test_a_key_file_of_before_versions_is_its_first(path: Path) -> None:
    old = FileKeyStore(path).wrap(KEY, context=CONTEXT)
    before = path.read_text()
    assert before.startswith("copydesk-key-1:")
    assert FileKeyStore(path).turn() == 2
    assert path.read_text().startswith(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert FileKeyStore(path).unwrap(old, context=CONTEXT) == KEY


def test_a_process_that_runs_wraps_by_the_key_that_another_has_just_added(path: Path) -> None:
    running, other = FileKeyStore(path), FileKeyStore(path)
    running.wrap(KEY, context=CONTEXT)
    other.turn()
    assert running.version_of(running.wrap(KEY, context=CONTEXT)) == 2


def test_a_process_that_runs_opens_what_the_new_key_wrapped(path: Path) -> None:
    running, other = FileKeyStore(path), FileKeyStore(path)
    running.wrap(KEY, context=CONTEXT)
    other.turn()
    assert running.unwrap(other.wrap(KEY, context=CONTEXT), context=CONTEXT) == KEY


def test_older_keys_are_taken_out_on_request(path: Path) -> None:
    store = FileKeyStore(path)
    old = store.wrap(KEY, context=CONTEXT)
    store.turn()
    kept = store.rewrap(old, context=CONTEXT)
    assert store.drop_older() == [1]
    fresh = FileKeyStore(path)
    assert fresh.unwrap(kept, context=CONTEXT) == KEY
    with pytest.raises(SealBroken, match="has no version 1"):
        fresh.unwrap(old, context=CONTEXT)
    assert store.turn() == 3


def test_without_a_file_there_is_nothing_to_drop(path: Path) -> None:
    with pytest.raises(NotFound):
        FileKeyStore(path).drop_older()


def test_a_version_that_stands_twice_is_refused_without_quoting_it(path: Path) -> None:
    FileKeyStore(path).wrap(KEY, context=CONTEXT)
    line = path.read_text()
    path.write_text(line + line)
    with pytest.raises(ConfigError, match="malformed") as refused:
        FileKeyStore(path).wrap(KEY, context=CONTEXT)
    assert line.strip() not in str(refused.value)


def test_a_key_store_shows_and_hands_over_no_key(path: Path) -> None:
    store = FileKeyStore(path)
    store.wrap(KEY, context=CONTEXT)
    assert path.read_text().split(":")[1].strip() not in repr(store)
    with pytest.raises(TypeError):
        pickle.dumps(store)
