"""What keys cost: opening one in the hot path, beside unwrapping its data key every time; turning and revoking all."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from copydesk.bench.crowd import BRAND
from copydesk.bench.figures import percentile_99
from copydesk.bootstrap import Runtime
from copydesk.db.migrate import migrate
from copydesk.identity import Role, User
from copydesk.kernel import new_id
from copydesk.stack import RoleOptions, Stack, embedded_stack, role_environment
from copydesk.vault import (
    FileKeyStore,
    KeyRing,
    MemoryDataKeys,
    NewAccount,
    PostgresDataKeys,
    Purpose,
    Vault,
    add_accounts,
)
from copydesk.vault.rotation import reseal

Say = Callable[[str], None]
_SECRET = "s" * 64  # As long as Binance's.
_WARM = 200
_BATCH = 500


class KeysPlan(NamedTuple):
    """How often a key is opened, and how many accounts are turned and revoked; none starts no servers."""

    opens: int
    accounts: int


def run_keys(plan: KeysPlan, options: RoleOptions, environ: Mapping[str, str], say: Say) -> dict[str, Any]:
    """Measure, and return the figures."""
    say(f"opening one key {plan.opens:,} times")
    figures: dict[str, Any] = {"opens": plan.opens} | _opens(options.var_dir / "key", plan.opens)
    if plan.accounts:
        figures |= {"accounts": plan.accounts}
        with _brand(options, environ, say) as (runtime, environment):
            say(f"connecting {plan.accounts:,} accounts")
            figures |= _crowd(runtime, plan.accounts)
            say("revoking them all")
            figures |= _revoked(environment)
    return figures


def _opens(key_file: Path, opens: int) -> dict[str, float]:
    store, data_keys = FileKeyStore(key_file), MemoryDataKeys()
    hot = Vault(store, data_keys)
    sealed = hot.seal(1, 2, "api_secret", _SECRET)
    plain = Vault(store, data_keys, ttl_s=0)  # Unwraps the data key for every open.
    return _timed("open", hot, sealed, opens) | _timed("plain_open", plain, sealed, opens)


def _timed(name: str, vault: Vault, sealed: bytes, opens: int) -> dict[str, float]:
    open_one, clock = vault.open, time.perf_counter_ns
    took = []
    for _ in range(_WARM + opens):
        began = clock()
        open_one(1, 2, "api_secret", sealed)
        took.append((clock() - began) / 1000)
    counted = took[_WARM:]
    return {f"{name}_p50_us": round(median(counted), 2), f"{name}_p99_us": round(percentile_99(counted), 2)}


@contextmanager
def _brand(options: RoleOptions, environ: Mapping[str, str], say: Say) -> Iterator[tuple[Runtime, Mapping[str, str]]]:
    """Open an installation of its own, with servers of its own and nothing else running."""
    with embedded_stack(options.var_dir, say=say) as stack:
        environment = _environment(environ, stack, options)
        migrate(stack.owner_url)
        runtime = Runtime(environment)
        try:
            yield runtime, environment
        finally:
            runtime.close()


def _environment(environ: Mapping[str, str], stack: Stack, options: RoleOptions) -> dict[str, str]:
    return role_environment(environ, stack, options, lab=False)


def _crowd(runtime: Runtime, accounts: int) -> dict[str, float]:
    """Connect accounts of as many owners; open all as a role that starts does, and bring all under a new data key."""
    tenant_id = runtime.tenant_ids[BRAND]
    ids: list[int] = []
    for start in range(0, accounts, _BATCH):
        ids += _connect(runtime, tenant_id, range(start, min(start + _BATCH, accounts)))
    began = time.perf_counter()
    opened = KeyRing(runtime.db, Vault(runtime.key_store(Purpose.EXCHANGE), PostgresDataKeys(runtime.db)))
    assert len(opened.credentials(tenant_id, ids)) == accounts, "every key opens"
    opened_s, began = time.perf_counter() - began, time.perf_counter()
    runtime.vault.rotate(tenant_id)
    done = reseal(runtime.db, runtime.vault, tenant_id, Purpose.EXCHANGE)
    assert (done.moved, done.broken) == (3 * accounts, 0), "every value is sealed anew"
    return {"open_all_s": round(opened_s, 3), "reseal_all_s": round(time.perf_counter() - began, 3)}


def _connect(runtime: Runtime, tenant_id: int, numbers: range) -> list[int]:
    with runtime.db.tenant(tenant_id) as session:
        users = [
            User(tenant_id=tenant_id, email=f"{new_id()}@x.invalid", display_name=f"F {n}", role=Role.FOLLOWER)
            for n in numbers
        ]
        session.add_all(users)
        session.flush()
        new = [
            NewAccount(user.id, "binance", "lab", f"account {n}", "binance-lab:0", new_id().hex, _SECRET)
            for user, n in zip(users, numbers, strict=True)
        ]
        return add_accounts(session, runtime.vault, new)


def _revoked(environment: Mapping[str, str]) -> dict[str, float]:
    """Revoke every key by the command that an operator would type, and count its whole time."""
    command = [str(Path(sys.executable).with_name("copydesk")), "keys", "revoke", "--tenant", BRAND, "--all", "--yes"]
    began = time.perf_counter()
    done = subprocess.run([*command, "--json"], env=dict(environment), stdout=subprocess.PIPE, check=True)
    took = time.perf_counter() - began
    return {"revoked": json.loads(done.stdout.splitlines()[-1])["destroyed"], "revoke_all_s": round(took, 3)}
