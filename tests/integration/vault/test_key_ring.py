"""A ring hands out keys that are ready to sign, drops what it is told to, and outlives trouble with the key server."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from copydesk.kernel import ConfigError, SystemClock
from copydesk.trading import KeyKind
from copydesk.vault import KeyRing, MemoryDataKeys, MemoryKeyStore, Vault
from copydesk.vault.tables import Account
from copydesk.venues import generate, get_ready_to_sign
from copydesk.venues.client.signatures import signers_held
from sqlalchemy import update
from vault_site import Site, vault_site


@pytest.fixture(scope="module")
def site(database_url: str, owner_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with vault_site(database_url, owner_url, tmp_path_factory.mktemp("keys"), accounts=2) as site:
        yield site


class Hand(SystemClock):
    """A clock that the test moves."""

    seconds: float = 0.0

    def monotonic(self) -> float:
        return self.seconds


def test_a_key_that_is_forgotten_while_others_are_opened_stays_forgotten(site: Site) -> None:
    """What was replaced or destroyed would else sign for five minutes more."""
    ours, (one, other) = site.tenants["ours"], site.accounts["ours"]
    clock = Hand()
    ring = KeyRing(site.db, site.vault(), clock=clock)
    before = ring.credentials(ours, [one])[one]
    forgetting = threading.Thread(target=ring.forget, args=(ours, one))

    class Meddling(float):
        """A moment at which somebody begins to forget a key: the first that is compared while keys are swept out."""

        looks = 0

        def __lt__(self, until: float) -> bool:
            Meddling.looks += 1
            if Meddling.looks == 1:
                forgetting.start()
                forgetting.join(0.2)
            return super().__lt__(until)

        def __add__(self, more: float) -> float:
            return float(self) + more

    clock.seconds = Meddling(1.0)
    assert other in ring.credentials(ours, [other])
    clock.seconds = 2.0
    forgetting.join(10)
    assert ring.credentials(ours, [one])[one] is not before


def test_a_private_key_is_read_where_it_is_opened(site: Site) -> None:
    ours, (one, other) = site.tenants["ours"], site.accounts["ours"]
    pair = generate("binance")
    assert pair is not None
    vault = site.vault()
    with site.db.tenant(ours) as session:
        for account, pem in ((one, pair.private_pem), (other, "no private key")):
            changed = {"key_kind": KeyKind.ED25519.value, "sealed_secret": vault.seal(ours, account, "api_secret", pem)}
            session.execute(update(Account).where(Account.id == account).values(changed))
    before = signers_held()
    opened = KeyRing(site.db, vault, opened=get_ready_to_sign).credentials(ours, [one, other])
    assert opened.keys() == {one, other}
    assert signers_held() == before + 1


def test_a_key_server_that_refuses_us_takes_no_held_key_away(site: Site) -> None:
    class Refusing(MemoryKeyStore):
        refuses = False

        def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
            if self.refuses:
                raise ConfigError("the key server refuses our sign-in")
            return super().unwrap(wrapped, context=context)

    theirs, accounts, clock, store = site.tenants["theirs"], site.accounts["theirs"], Hand(), Refusing()
    keys = MemoryDataKeys()
    vault = Vault(store, keys, clock=clock)
    with site.db.tenant(theirs) as session:
        for account in accounts:
            sealed = {name: vault.seal(theirs, account, name.replace("sealed", "api"), "x") for name in SEALED}
            session.execute(update(Account).where(Account.id == account).values(sealed))
    ring = KeyRing(site.db, vault, clock=clock)
    held = ring.credentials(theirs, accounts)
    store.refuses, clock.seconds = True, 3_600.0
    vault.forget()
    assert held.keys() == set(accounts)
    assert ring.credentials(theirs, accounts) == held
    with pytest.raises(ConfigError):
        KeyRing(site.db, vault, clock=clock).credentials(theirs, accounts)


SEALED = ("sealed_key", "sealed_secret", "sealed_passphrase")
