"""A sealed value opens where it was sealed, and nowhere else."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from copydesk.kernel import ConfigError, Unavailable
from copydesk.vault import (
    FileKeyStore,
    MemoryDataKeys,
    MemoryKeyStore,
    SealBroken,
    Vault,
    WrappedKey,
    key_version,
)
from copydesk.vault.envelope import OVERHEAD_BYTES, _placed, aad
from copydesk.vault.service import _context
from hypothesis import given
from hypothesis import strategies as st

SECRET = "exchange-secret-of-the-follower"
IDS = st.integers(min_value=0, max_value=2**63 - 1)


class Hand:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


class CountingKeys(MemoryDataKeys):
    """Remember how often keys were looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.loads = 0

    def load(self, tenant_id: int, version: int | None = None) -> WrappedKey | None:
        self.loads += 1
        return super().load(tenant_id, version)


@pytest.fixture
def keys() -> CountingKeys:
    return CountingKeys()


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def vault(tmp_path: Path, keys: CountingKeys, clock: Hand) -> Vault:
    return Vault(FileKeyStore(tmp_path / "key"), keys, clock=clock)


@pytest.fixture(scope="module")
def lasting_vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    return Vault(FileKeyStore(tmp_path_factory.mktemp("vault") / "key"), MemoryDataKeys())


@given(tenant=st.integers(1, 5), account=IDS, field=st.text(max_size=20), text=st.text(max_size=200))
def test_what_is_sealed_opens(lasting_vault: Vault, tenant: int, account: int, field: str, text: str) -> None:
    sealed = lasting_vault.seal(tenant, account, field, text)
    assert lasting_vault.open(tenant, account, field, sealed) == text
    assert len(sealed) == OVERHEAD_BYTES + len(text.encode())


@given(
    left=st.tuples(st.integers(1, 3), st.integers(1, 3), st.sampled_from(["key", "secret", ""])),
    right=st.tuples(st.integers(1, 3), st.integers(1, 3), st.sampled_from(["key", "secret", ""])),
)
def test_a_moved_value_does_not_open(
    lasting_vault: Vault, left: tuple[int, int, str], right: tuple[int, int, str]
) -> None:
    sealed = lasting_vault.seal(*left, SECRET)
    lasting_vault.seal(right[0], 1, "key", "so that the other tenant has a key")
    if left == right:
        assert lasting_vault.open(*right, sealed) == SECRET
    else:
        with pytest.raises(SealBroken):
            lasting_vault.open(*right, sealed)


@given(data=st.data())
def test_a_value_with_any_bit_flipped_does_not_open(lasting_vault: Vault, data: st.DataObject) -> None:
    sealed = bytearray(lasting_vault.seal(1, 2, "secret", SECRET))
    place = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[place // 8] ^= 1 << (place % 8)
    with pytest.raises(SealBroken):
        lasting_vault.open(1, 2, "secret", bytes(sealed))


@pytest.mark.parametrize(
    "region",
    [slice(0, 1), slice(1, 5), slice(5, 17), slice(17, 18), slice(-17, -16), slice(-16, None)],
    ids=["format", "key version", "nonce", "first of ciphertext", "last of ciphertext", "tag"],
)
def test_each_region_of_a_sealed_value_is_guarded(vault: Vault, region: slice) -> None:
    sealed = bytearray(vault.seal(1, 2, "secret", SECRET))
    sealed[region] = bytes(byte ^ 0xFF for byte in sealed[region])
    with pytest.raises(SealBroken):
        vault.open(1, 2, "secret", bytes(sealed))


@pytest.mark.parametrize("change", [lambda s: b"", lambda s: s[:-1], lambda s: s + b"x", lambda s: s[:20]])
def test_a_cut_or_lengthened_value_does_not_open(vault: Vault, change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(SealBroken):
        vault.open(1, 2, "secret", change(vault.seal(1, 2, "secret", SECRET)))


def test_the_version_of_another_key_does_not_pass_for_ones_own(vault: Vault) -> None:
    sealed = vault.seal(1, 2, "secret", SECRET)
    vault.rotate(1)
    relabeled = sealed[:1] + (2).to_bytes(4, "big") + sealed[5:]
    with pytest.raises(SealBroken):
        vault.open(1, 2, "secret", relabeled)


def test_two_seals_of_one_value_differ(vault: Vault) -> None:
    assert vault.seal(1, 2, "secret", SECRET) != vault.seal(1, 2, "secret", SECRET)


def test_old_values_open_after_a_rotation_and_reseal_under_the_new_key(vault: Vault) -> None:
    old = vault.seal(1, 2, "secret", SECRET)
    assert vault.rotate(1) == 2
    assert vault.open(1, 2, "secret", old) == SECRET
    new = vault.reseal(1, 2, "secret", old)
    assert (key_version(old), key_version(new)) == (1, 2)
    assert vault.open(1, 2, "secret", new) == SECRET
    assert vault.reseal(1, 2, "secret", new) is new


def test_another_process_rotation_is_noticed_after_the_time_to_live(
    tmp_path: Path, keys: CountingKeys, clock: Hand
) -> None:
    one, other = (Vault(FileKeyStore(tmp_path / "key"), keys, clock=clock, ttl_s=10) for _ in range(2))
    one.seal(1, 2, "secret", SECRET)
    other.rotate(1)
    assert key_version(one.seal(1, 2, "secret", SECRET)) == 1
    clock.seconds = 10
    assert key_version(one.seal(1, 2, "secret", SECRET)) == 2


def test_an_opened_key_is_cached_until_its_time_to_live(vault: Vault, keys: CountingKeys, clock: Hand) -> None:
    sealed = vault.seal(1, 2, "secret", SECRET)
    warm = keys.loads
    vault.open(1, 2, "secret", sealed)
    assert keys.loads == warm
    clock.seconds = 301
    vault.open(1, 2, "secret", sealed)
    assert keys.loads == warm + 1
    vault.forget()
    vault.open(1, 2, "secret", sealed)
    assert keys.loads == warm + 2


class Moody(MemoryKeyStore):
    """A key server that answers, is away, or refuses us."""

    trouble: Exception | None = None

    def wrap(self, key: bytes, *, context: bytes) -> bytes:
        if self.trouble is not None:
            raise self.trouble
        return super().wrap(key, context=context)

    def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        if self.trouble is not None:
            raise self.trouble
        return super().unwrap(wrapped, context=context)


@pytest.mark.parametrize("trouble", [Unavailable("no answer"), ConfigError("it refuses our sign-in")])
def test_a_held_key_goes_on_opening_while_the_key_server_is_away_or_refuses_us(
    keys: CountingKeys, clock: Hand, trouble: Exception
) -> None:
    store = Moody()
    vault = Vault(store, keys, clock=clock)
    sealed = vault.seal(1, 2, "secret", SECRET)
    store.trouble = trouble
    clock.seconds = 10_000
    assert vault.open(1, 2, "secret", sealed) == SECRET
    with pytest.raises(type(trouble)):
        Vault(store, keys, clock=clock).open(1, 2, "secret", sealed)


def test_a_warm_vault_seals_for_a_minute_without_asking_anybody(keys: CountingKeys, clock: Hand) -> None:
    store = Moody()
    vault = Vault(store, keys, clock=clock)
    vault.warm(1)
    assert list(keys.keys) == [(1, 1)]
    clock.seconds = 299  # Its time to live ends within the minute: it is asked for anew.
    vault.warm(1)
    asked, store.trouble = keys.loads, ConfigError("it refuses us")
    clock.seconds += 59
    assert vault.open(1, 2, "secret", vault.seal(1, 2, "secret", SECRET)) == SECRET
    assert keys.loads == asked


def test_while_the_key_server_is_away_a_held_key_is_warm_for_a_moment(keys: CountingKeys, clock: Hand) -> None:
    store = Moody()
    vault = Vault(store, keys, clock=clock)
    vault.warm(1)
    clock.seconds, store.trouble = 299, Unavailable("no answer")
    vault.warm(1)
    clock.seconds = 305
    assert vault.open(1, 2, "secret", vault.seal(1, 2, "secret", SECRET)) == SECRET
    with pytest.raises(Unavailable):
        Vault(store, keys, clock=clock).warm(1)


def test_of_two_processes_that_create_the_first_key_both_use_the_winners(tmp_path: Path, clock: Hand) -> None:
    class Racing(MemoryDataKeys):
        """Let another process save its key first."""

        def save(self, key: WrappedKey) -> bool:
            if not self.keys:
                store = FileKeyStore(tmp_path / "key")
                super().save(
                    WrappedKey(1, 1, store.wrap(bytes(32), context=aad(b"copydesk data key", 1, 1)), clock.now())
                )
            return super().save(key)

    keys = Racing()
    sealed = Vault(FileKeyStore(tmp_path / "key"), keys).seal(1, 2, "secret", SECRET)
    assert Vault(FileKeyStore(tmp_path / "key"), keys).open(1, 2, "secret", sealed) == SECRET
    assert list(keys.keys) == [(1, 1)]


def test_a_data_key_moved_to_another_tenant_or_version_does_not_unwrap(vault: Vault, keys: CountingKeys) -> None:
    sealed = vault.seal(1, 2, "secret", SECRET)
    for tenant, version in ((7, 1), (1, 9)):
        keys.keys[tenant, version] = WrappedKey(tenant, version, keys.keys[1, 1].wrapped, keys.keys[1, 1].created_at)
        moved = sealed[:1] + version.to_bytes(4, "big") + sealed[5:]
        with pytest.raises(SealBroken):
            vault.open(tenant, 2, "secret", moved)


def test_another_key_file_opens_nothing(tmp_path: Path, keys: CountingKeys, vault: Vault) -> None:
    sealed = vault.seal(1, 2, "secret", SECRET)
    foreign = FileKeyStore(tmp_path / "foreign")
    foreign.wrap(bytes(32), context=b"")
    with pytest.raises(SealBroken):
        Vault(foreign, keys).open(1, 2, "secret", sealed)


def test_no_representation_or_error_shows_a_plaintext_or_key(vault: Vault, keys: CountingKeys) -> None:
    sealed = vault.seal(1, 2, "secret", SECRET)
    with pytest.raises(SealBroken) as broken:
        vault.open(1, 3, "secret", sealed)
    shown = f"{vault!r} {keys.keys[1, 1]!r} {broken.value!r} {broken.value.__cause__!r}"
    assert SECRET not in shown
    assert "wrapped" not in repr(keys.keys[1, 1])
    assert SECRET.encode() not in sealed


def test_a_vault_cannot_be_put_in_a_job(vault: Vault) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(vault)


@given(IDS, IDS, st.text(max_size=20), st.binary(min_size=5, max_size=5))
def test_the_quick_way_to_name_a_place_is_the_documented_one(tenant: int, row: int, field: str, header: bytes) -> None:
    """What was sealed before must open: both write the same bytes as `aad`."""
    context = aad(b"copydesk field", tenant, row, field.encode())
    assert _context(tenant, row, field) == context
    assert _placed(header, context) == aad(header, context)
