"""The desk as the listener runs it: on its own loop, woken by Redis, and by nothing else for a minute."""

from __future__ import annotations

from copydesk.keys import WAITS, IntakeState, publish_to
from key_people import KeySite
from lab_desk import DeskRuntime, LabHand, desk_at_work

LOOKS_MAX = 5_000


def test_a_key_is_examined_as_soon_as_it_is_handed_in(site: KeySite, lab: LabHand, redis_url: str) -> None:
    assert site.tenant_ids
    with desk_at_work(DeskRuntime(site, lab, redis_url), look_every_s=60):
        owner = site.person()
        number = site.hand_in(owner, "binance", lab.key(lab.account("binance")))
        # Whoever begins to listen looks by itself once; until then nobody hears this.
        for _ in range(LOOKS_MAX):
            publish_to(redis_url, WAITS)
            if site.intake(owner, number).state is IntakeState.ACCEPTED:
                break
    assert [one.usable for one in site.health(owner)] == [True]
