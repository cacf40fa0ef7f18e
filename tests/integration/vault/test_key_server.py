"""Data keys wrapped by a real OpenBao: what opens, what does not, and what is said when the server does not play."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from copydesk.bootstrap import Runtime
from copydesk.kernel import ConfigError, Unavailable
from copydesk.vault import FileKeyStore, MemoryDataKeys, Purpose, SealBroken, Vault
from copydesk.vault.transit import TransitKeyStore, TransitPlace
from copydesk.vault.transit_sign_in import TOKEN_FILE, AppRole, TokenFile, sign_in_from
from openbao_server import ROOT_TOKEN, KeyServer

KEY, CONTEXT = bytes(range(32)), b"copydesk data key 1"
ONLY_EXCHANGE = """
path "transit/encrypt/roles-exchange" { capabilities = ["create", "update"] }
path "transit/decrypt/roles-exchange" { capabilities = ["update"] }
"""


class Hand:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


def test_a_key_opens_in_its_context_only(key_server: KeyServer) -> None:
    store = key_server.key_store("contexts")
    wrapped = store.wrap(KEY, context=CONTEXT)
    assert KEY not in wrapped
    assert store.unwrap(wrapped, context=CONTEXT) == KEY
    with pytest.raises(SealBroken, match="does not open it"):
        store.unwrap(wrapped, context=b"another")
    with pytest.raises(SealBroken):
        store.unwrap(wrapped[:-8] + b"AAAAAAA=", context=CONTEXT)


def test_the_server_turns_its_key_and_older_versions_still_open(key_server: KeyServer) -> None:
    store = key_server.key_store("turns")
    assert store.newest() == 0
    old = store.wrap(KEY, context=CONTEXT)
    assert store.turn() == 2
    new = store.rewrap(old, context=CONTEXT)
    assert (store.version_of(old), store.version_of(new)) == (1, 2)
    assert store.unwrap(old, context=CONTEXT) == store.unwrap(new, context=CONTEXT) == KEY


def test_a_vault_seals_and_opens_by_it(key_server: KeyServer) -> None:
    keys = MemoryDataKeys()
    sealed = Vault(key_server.key_store("seals"), keys).seal(1, 2, "api_key", "a secret")
    assert Vault(key_server.key_store("seals"), keys).open(1, 2, "api_key", sealed) == "a secret"


def test_a_role_opens_what_its_policy_names_and_nothing_else(key_server: KeyServer) -> None:
    key_server.root.sys.enable_auth_method("approle")
    key_server.root.sys.create_or_update_policy("listener", ONLY_EXCHANGE)
    roles = key_server.root.auth.approle
    roles.create_or_update_approle("listener", token_policies=["listener"])
    role_id = roles.read_role_id("listener")["data"]["role_id"]
    secret_id = roles.generate_secret_id("listener")["data"]["secret_id"]
    sign_in = AppRole(key_server.token_file("role", role_id), key_server.token_file("secret", secret_id))
    ours = TransitKeyStore(TransitPlace(key_server.url, "transit", "roles-exchange"), sign_in)
    assert ours.unwrap(ours.wrap(KEY, context=CONTEXT), context=CONTEXT) == KEY
    theirs = TransitKeyStore(TransitPlace(key_server.url, "transit", "roles-identity"), sign_in)
    with pytest.raises(ConfigError, match="refuses us transit/roles-identity"):
        theirs.wrap(KEY, context=CONTEXT)


def test_a_token_that_was_renewed_in_its_file_is_read_again(key_server: KeyServer) -> None:
    key_server.root.sys.create_or_update_policy("short", ONLY_EXCHANGE)
    first, second = (key_server.root.auth.token.create(policies=["short"])["auth"]["client_token"] for _ in range(2))
    path = key_server.token_file("renewed", first)
    store = TransitKeyStore(TransitPlace(key_server.url, "transit", "roles-exchange"), TokenFile(path))
    wrapped = store.wrap(KEY, context=CONTEXT)
    key_server.root.auth.token.revoke(first)
    with pytest.raises(ConfigError, match="refuses us"):
        store.unwrap(wrapped, context=CONTEXT)
    path.write_text(second)
    assert store.unwrap(wrapped, context=CONTEXT) == KEY


def test_a_sign_in_that_is_refused_says_nothing_of_what_was_wrapped(key_server: KeyServer) -> None:
    """It would else pass for a broken seal, and keys that wait would be destroyed for it."""
    wrapped = key_server.key_store("refused").wrap(KEY, context=CONTEXT)
    key_server.root.sys.enable_auth_method("approle", path="elsewhere")
    halves = key_server.token_file("no-role", "nobody"), key_server.token_file("no-secret", "nothing")
    store = TransitKeyStore(TransitPlace(key_server.url, "transit", "refused"), AppRole(*halves))
    for _ in range(2):
        with pytest.raises(ConfigError, match="refuses our sign-in"):
            store.unwrap(wrapped, context=CONTEXT)


def test_while_our_token_is_refused_or_gone_held_keys_go_on_opening(key_server: KeyServer) -> None:
    clock, keys = Hand(), MemoryDataKeys()
    token = key_server.root.auth.token.create(policies=["root"])["auth"]["client_token"]
    path = key_server.token_file("ends", token)
    store = TransitKeyStore(TransitPlace(key_server.url, "transit", "ends"), TokenFile(path))
    held = Vault(store, keys, clock=clock, ttl_s=5)
    sealed = held.seal(1, 2, "api_key", "a secret")
    key_server.root.auth.token.revoke(token)
    for content in (token, ""):
        path.write_text(content)
        clock.seconds += 60
        assert held.open(1, 2, "api_key", sealed) == "a secret"
        with pytest.raises(ConfigError):
            Vault(store, keys).open(1, 2, "api_key", sealed)


def test_what_is_not_there_is_said_by_name(key_server: KeyServer) -> None:
    wrapped = key_server.key_store("there").wrap(KEY, context=CONTEXT)
    with pytest.raises(ConfigError, match=r"has no key gone: see vault\.transit_key"):
        key_server.key_store("gone").unwrap(wrapped, context=CONTEXT)
    token = TokenFile(key_server.token_file("any", ROOT_TOKEN))
    elsewhere = TransitKeyStore(TransitPlace(key_server.url, "nowhere", "there"), token)
    with pytest.raises(ConfigError, match="no transit engine at nowhere"):
        elsewhere.unwrap(wrapped, context=CONTEXT)


def test_what_a_key_file_wrapped_is_not_sent_to_the_server(key_server: KeyServer, tmp_path: Path) -> None:
    wrapped = FileKeyStore(tmp_path / "key").wrap(KEY, context=CONTEXT)
    with pytest.raises(SealBroken, match=r"not wrapped by a key server"):
        key_server.key_store("there").unwrap(wrapped, context=CONTEXT)


def test_nobody_there_is_unavailable_and_not_asked_again_at_once(tmp_path: Path) -> None:
    token, clock = tmp_path / "token", Hand()
    token.write_text("t")
    token.chmod(0o600)
    store = TransitKeyStore(TransitPlace("http://127.0.0.1:1", "transit", "k"), TokenFile(token), clock=clock)
    with pytest.raises(Unavailable, match="gives no answer"):
        store.wrap(KEY, context=CONTEXT)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="a moment ago"):
        store.wrap(KEY, context=CONTEXT)
    assert time.monotonic() - began < 0.5
    clock.seconds += 60
    with pytest.raises(Unavailable, match="gives no answer"):
        store.wrap(KEY, context=CONTEXT)


def test_an_installation_chooses_the_server_by_its_settings(
    key_server: KeyServer, tmp_path: Path, database_url: str
) -> None:
    (tmp_path / "config").mkdir()
    chosen = f"vault: {{provider: transit, transit_url: '{key_server.url}', transit_key: chosen}}\n"
    (tmp_path / "config" / "defaults.yaml").write_text(chosen)
    environ = {"COPYDESK_ROOT": str(tmp_path), "DATABASE_URL": database_url}
    with closing(Runtime(environ)) as runtime, pytest.raises(ConfigError, match=TOKEN_FILE):
        runtime.key_store(Purpose.EXCHANGE).newest()
    environ[TOKEN_FILE] = str(key_server.token_file("installation", ROOT_TOKEN))
    with closing(Runtime(environ)) as runtime:
        runtime.key_store(Purpose.EXCHANGE).wrap(KEY, context=CONTEXT)
        runtime.key_store(Purpose.IDENTITY).wrap(KEY, context=CONTEXT)
    listed = key_server.root.secrets.transit.list_keys()["data"]["keys"]
    assert {"chosen-exchange", "chosen-identity"} <= set(listed)
    assert not (tmp_path / "var").exists()


def test_a_role_without_exchange_keys_is_refused_their_store(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "defaults.yaml").write_text("{}\n")
    web = Runtime({"COPYDESK_ROOT": str(tmp_path)}, opens_exchange_keys=False)
    with pytest.raises(ConfigError, match="only listener, replicator and risk do"):
        web.key_store(Purpose.EXCHANGE)
    with pytest.raises(ConfigError, match="opens no exchange keys"):
        _ = web.intake_opener
    assert web.key_store(Purpose.IDENTITY).newest() == 0


def test_http_is_for_this_machine_only() -> None:
    with pytest.raises(ConfigError, match="expected https"):
        TransitPlace("http://vault.example:8200", "transit", "k")


@pytest.mark.parametrize(("mode", "content", "said"), [(0o604, "t", "readable by all"), (0o600, "\n", "is empty")])
def test_a_token_file_that_will_not_do_is_said(tmp_path: Path, mode: int, content: str, said: str) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=said):
        sign_in_from({TOKEN_FILE: str(path)}).token(None)
    with pytest.raises(ConfigError, match="cannot be read"):
        TokenFile(tmp_path / "no").token(None)


def test_a_sealed_server_is_unavailable_and_held_keys_go_on_opening(key_server: KeyServer) -> None:
    clock, keys = Hand(), MemoryDataKeys()
    store = key_server.key_store("sealed")
    stored = Vault(store, keys).seal(1, 2, "api_key", "a secret")
    held = Vault(store, keys, clock=clock, ttl_s=5)
    held.open(1, 2, "api_key", stored)
    key_server.root.sys.seal()
    clock.seconds += 60
    assert held.open(1, 2, "api_key", stored) == "a secret"
    with pytest.raises(Unavailable, match="is sealed"):
        Vault(key_server.key_store("sealed"), keys).open(1, 2, "api_key", stored)
