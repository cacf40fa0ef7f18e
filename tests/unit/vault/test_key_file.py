"""The key file: private, made once, and refused with one sentence when it is not as it should be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from copydesk.kernel import ConfigError
from copydesk.vault import FileKeyStore, SealBroken

KEY = bytes(range(32))


def test_the_first_wrap_creates_a_private_file_that_later_processes_read(tmp_path: Path) -> None:
    path = tmp_path / "var" / "key"
    wrapped = FileKeyStore(path).wrap(KEY, context=b"a")
    assert path.stat().st_mode & 0o777 == 0o600
    assert FileKeyStore(path).unwrap(wrapped, context=b"a") == KEY
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]


def test_a_wrapped_key_opens_only_in_its_context(tmp_path: Path) -> None:
    store = FileKeyStore(tmp_path / "key")
    wrapped = store.wrap(KEY, context=b"a")
    with pytest.raises(SealBroken):
        store.unwrap(wrapped, context=b"b")


def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    stores = [FileKeyStore(tmp_path / "key") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        wrapped = list(pool.map(lambda store: store.wrap(KEY, context=b"a"), stores))
    reader = FileKeyStore(tmp_path / "key")
    assert all(reader.unwrap(one, context=b"a") == KEY for one in wrapped)
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


def test_unwrapping_never_creates_a_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is missing"):
        FileKeyStore(tmp_path / "key").unwrap(b"x" * 60, context=b"a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_wider_permissions_are_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    FileKeyStore(path).wrap(KEY, context=b"a")
    path.chmod(mode)
    with pytest.raises(ConfigError, match=f"0600.*found {mode:04o}"):
        FileKeyStore(path).wrap(KEY, context=b"a")


@pytest.mark.parametrize(
    "content",
    [b"", b"copydesk-key-1:", b"copydesk-key-1:QUJD\n", b"\xff\xfe", b"QUJD" * 11, b"copydesk-key-2:" + b"A" * 44],
)
def test_a_malformed_file_is_refused_without_quoting_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as refused:
        FileKeyStore(path).wrap(KEY, context=b"a")
    assert "malformed" in str(refused.value)
    assert "QUJD" not in str(refused.value)


def test_a_folder_in_the_files_place_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        FileKeyStore(tmp_path / "key").wrap(KEY, context=b"a")
