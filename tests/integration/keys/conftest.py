"""One lab, one desk and two brands for each module of key tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from copydesk.kernel import utc_now
from key_people import HandClock, KeySite
from lab_desk import ROOT, DeskRuntime, LabHand, desk_at_hand, open_lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHand]:
    with open_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def clock() -> HandClock:
    return HandClock(utc_now())


@pytest.fixture(scope="module")
def site(database_url: str, clock: HandClock, tmp_path_factory: pytest.TempPathFactory) -> KeySite:
    """The shipped brands; Boreal wants keys bound to addresses."""
    tenants = tmp_path_factory.mktemp("site") / "tenants"
    shutil.copytree(ROOT / "tenants", tenants)
    boreal = tenants / "boreal" / "tenant.yaml"
    boreal.write_text(f"{boreal.read_text()}\nkeys:\n  ip_lock: required\n")
    return KeySite(database_url, clock, tenants)


@pytest.fixture(scope="module")
def runtime(site: KeySite, lab: LabHand) -> Iterator[DeskRuntime]:
    """What the listener has: this one can open keys."""
    runtime = DeskRuntime(site, lab)
    runtime.intake_opener.ready()
    yield runtime
    runtime.close()


@pytest.fixture(scope="module")
def desk(site: KeySite, runtime: DeskRuntime, clock: HandClock) -> Iterator[Callable[[], None]]:
    """A desk that looks when called."""
    assert site.tenant_ids
    with desk_at_hand(runtime, clock) as look:
        look()
        yield look
