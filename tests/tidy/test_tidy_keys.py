"""Who may hold exchange keys, as the code's own text shows it."""

from __future__ import annotations

from inspect import signature

import pytest
from copydesk.bootstrap import Runtime
from copydesk.venues import NO_ORDER
from project import PACKAGE, files, imports, module_name

# What pages and people need of the vault: the name of a row, and the word for what does not open.
HARMLESS = {"copydesk.vault", "copydesk.vault.IntakePlace", "copydesk.vault.SealBroken"}
KEYLESS_ROLES = ("web", "live", "relay")


def test_pages_know_nothing_of_the_vault_that_opens_a_key() -> None:
    reached = {
        f"{module_name(path)} → {name}"
        for package in ("web", "identity", "notifications", "audit")
        for path in files(".py", under=PACKAGE / package)
        for name in imports(path)
        if name.startswith("copydesk.vault") and name not in HARMLESS
    }
    assert reached == set()


@pytest.mark.parametrize("role", KEYLESS_ROLES)
def test_roles_that_trade_nothing_are_built_without_exchange_keys(role: str) -> None:
    source = (PACKAGE / "cli" / f"{role}.py").read_text()
    assert f'Runtime(opens_exchange_keys=False, role="{role}")' in source
    assert "Runtime()" not in source


def test_every_venue_of_the_composition_root_has_a_policy() -> None:
    """`open_venue` signs anything unless told: only tests, benches and drills call it without a policy."""
    callers = {
        module_name(path)
        for path in files(".py", under=PACKAGE)
        if "copydesk.venues.open_venue" in imports(path) and "bench" not in path.parts and "venues" not in path.parts
    }
    assert callers == {"copydesk.bootstrap.runtime"}
    assert "policy=policy)" in (PACKAGE / "bootstrap" / "runtime.py").read_text()
    assert signature(Runtime.venue).parameters["policy"].default is NO_ORDER


def test_only_the_surroundings_of_replicator_and_risk_and_the_terminals_floor_have_orders_signed() -> None:
    giving = [module_name(path) for path in files(".py", under=PACKAGE) if "policy=self._signing" in path.read_text()]
    assert giving == ["copydesk.bootstrap.surroundings", "copydesk.bootstrap.terminal_floor"]
