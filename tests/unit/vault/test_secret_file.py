"""Tenants' secrets: sealed in a private file, bound to brand and name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from copydesk.kernel import ConfigError, InvalidInput
from copydesk.vault import FileKeyStore, FileSecretStore, SealBroken


@pytest.fixture
def store(tmp_path: Path) -> FileSecretStore:
    return FileSecretStore(tmp_path / "secrets", FileKeyStore(tmp_path / "key"))


def test_a_stored_secret_is_read_back_by_name(store: FileSecretStore) -> None:
    store.set("aurora", "smtp_password", "hunter2")
    store.set("aurora", "stripe_key", "sk_1")
    store.set("aurora", "smtp_password", "hunter3")
    assert store.get("aurora", "smtp_password") == "hunter3"
    assert store.names("aurora") == ("smtp_password", "stripe_key")
    assert store.get("aurora", "none") is None
    assert store.get("boreal", "smtp_password") is None
    assert store.names("boreal") == ()


def test_the_file_is_private_and_holds_no_plaintext(store: FileSecretStore, tmp_path: Path) -> None:
    store.set("aurora", "smtp_password", "hunter2")
    path = tmp_path / "secrets" / "aurora.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"hunter2" not in path.read_bytes()
    assert [entry.name for entry in path.parent.iterdir()] == ["aurora.json"]


def test_a_secret_moved_to_another_name_or_brand_does_not_open(store: FileSecretStore, tmp_path: Path) -> None:
    store.set("aurora", "one", "hunter2")
    path = tmp_path / "secrets" / "aurora.json"
    content = json.loads(path.read_text())
    content["secrets"]["two"] = content["secrets"]["one"]
    path.write_text(json.dumps(content))
    copied = tmp_path / "secrets" / "boreal.json"
    copied.write_text(json.dumps(content))
    copied.chmod(0o600)
    with pytest.raises(SealBroken):
        store.get("aurora", "two")
    with pytest.raises(SealBroken):
        store.get("boreal", "one")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": 2}', '{"format":1,"wrapped_key":"é","secrets":{"a":"b"}}']
)
def test_a_malformed_file_is_one_sentence(store: FileSecretStore, tmp_path: Path, content: str) -> None:
    (tmp_path / "secrets").mkdir()
    path = tmp_path / "secrets" / "aurora.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="malformed"):
        store.get("aurora", "a")
        store.names("aurora")


def test_wider_permissions_are_refused(store: FileSecretStore, tmp_path: Path) -> None:
    store.set("aurora", "one", "hunter2")
    (tmp_path / "secrets" / "aurora.json").chmod(0o644)
    with pytest.raises(ConfigError, match="0644"):
        store.get("aurora", "one")


@pytest.mark.parametrize(("slug", "name"), [("../etc", "a"), ("aurora", "A b"), ("aurora", "../x"), ("", "a")])
def test_names_cannot_leave_the_folder(store: FileSecretStore, slug: str, name: str) -> None:
    with pytest.raises(InvalidInput):
        store.set(slug, name, "hunter2")


def test_an_empty_secret_is_refused(store: FileSecretStore) -> None:
    with pytest.raises(InvalidInput):
        store.set("aurora", "a", "")


def test_a_file_that_another_store_wrapped_is_read_and_comes_home_with_the_next_change(tmp_path: Path) -> None:
    """Older installations wrapped secrets by the exchange keys' master, which pages may not hold."""
    older, pages = FileKeyStore(tmp_path / "key"), FileKeyStore(tmp_path / "web")
    FileSecretStore(tmp_path / "secrets", older).set("aurora", "smtp_password", "hunter2")
    pages.turn()
    operator = FileSecretStore(tmp_path / "secrets", pages, former=older)
    site = FileSecretStore(tmp_path / "secrets", pages)
    assert operator.get("aurora", "smtp_password") == "hunter2"
    with pytest.raises(SealBroken):
        site.get("aurora", "smtp_password")
    operator.set("aurora", "gateway_key", "k")
    assert (site.get("aurora", "smtp_password"), site.get("aurora", "gateway_key")) == ("hunter2", "k")


def test_a_new_key_of_the_file_keeps_every_value(store: FileSecretStore, tmp_path: Path) -> None:
    store.set("aurora", "smtp_password", "hunter2")
    before = (tmp_path / "secrets" / "aurora.json").read_text()
    assert (store.rekey("aurora"), store.rekey("boreal")) == (1, 0)
    assert (tmp_path / "secrets" / "aurora.json").read_text() != before
    assert store.get("aurora", "smtp_password") == "hunter2"
    assert store.slugs() == ("aurora",)
