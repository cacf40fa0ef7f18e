"""Do the keys open with which the brand's secrets are sealed, and is every secret there?"""

from __future__ import annotations

from collections.abc import Iterator

from copydesk.doctor.case import Case
from copydesk.doctor.model import Result, fail, ok
from copydesk.tenancy import missing_secrets
from copydesk.vault import PostgresDataKeys, Purpose
from copydesk.vault.service import key_context


def data_keys(case: Case) -> Iterator[Result]:
    """Unwrap the newest data key of each purpose, as a role would when it starts."""
    for purpose in Purpose:
        store, about = case.room.stores[purpose], f"{purpose} keys"
        stored = PostgresDataKeys(case.room.db, purpose).load(case.tenant_id)
        if stored is None:
            yield ok(about, f"nothing is sealed yet; {store!r}")
            continue
        store.unwrap(stored.wrapped, context=key_context(purpose, case.tenant_id, stored.version))
        yield ok(about, f"data key {stored.version} opens; {store!r}")


def secrets(case: Case) -> Iterator[Result]:
    """Look for each value that the brand's configuration refers to; reads none."""
    stored = set(case.room.secrets.names(case.tenant.slug))
    for error in missing_secrets(case.tenant, stored.__contains__):
        name = error.found.rpartition(" ")[2]
        yield fail(error.key, f"secret {name} is not stored", f"copydesk tenant secret set {case.tenant.slug} {name}")
    wanted = {name for _, name in case.tenant.config.secret_references()}
    if wanted <= stored:
        yield ok("secrets", f"{len(wanted)} of {len(wanted)} stored")
