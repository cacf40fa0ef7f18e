"""Changes of settings: whole, with author and reason, by two people where it matters, and taken back in one step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from copydesk.audit import read_entries
from copydesk.kernel import InvalidInput, NotFound, Refused
from copydesk.tenancy import Change, Layer, RefusedSettings, RevisionState, explain, keep_file
from copydesk.tenancy.revision_store import lock_brand
from settings_office import MARA, NILS, Office
from sqlalchemy import text

SHARE = "fees.profit_share_ratio"
PERPETUAL = "BTC/USDT:USDT"


def test_a_change_holds_at_once_and_tells_author_reason_and_difference(office: Office) -> None:
    revision = office.change({"brand.name": "Dawn", "brand.radius_px": 4})
    assert (revision.id, revision.state, revision.author) == (1, RevisionState.PUBLISHED, "Mara Lind")
    assert revision.changes["brand.radius_px"] == Change(18, 4, None, 4)
    assert (office.tenant.name, office.tenant.overrides.revision) == ("Dawn", 1)
    told = explain(office.tenant, "brand.name")
    assert (told.layer, told.source) == (Layer.PANEL, "panel revision 1 by Mara Lind, 2026-03-01 00:01:00 UTC")
    assert office.history == (revision,)


def test_a_later_change_keeps_what_others_set_and_says_whose_it_is(office: Office) -> None:
    office.change({"brand.name": "Dawn"})
    office.change({"brand.tagline": "Early"}, NILS)
    assert office.now.values == {"brand.name": "Dawn", "brand.tagline": "Early"}
    assert {key: origin.author for key, origin in office.now.origins.items()} == {
        "brand.name": "Mara Lind",
        "brand.tagline": "Nils Holt",
    }
    office.change({"brand.name": None})
    assert (office.tenant.name, dict(office.now.values)) == ("Aurora", {"brand.tagline": "Early"})


def test_a_sensitive_change_waits_for_somebody_else(office: Office) -> None:
    proposal = office.change({SHARE: Decimal("0.20")})
    assert (proposal.state, office.now.revision) == (RevisionState.PROPOSED, 0)
    with pytest.raises(Refused, match="your own") as refused:
        office.approve(proposal.id, MARA)
    assert refused.value.code == "same_person"
    approved = office.approve(proposal.id)
    assert (approved.state, approved.decided_by) == (RevisionState.PUBLISHED, "Nils Holt")
    assert office.tenant.settings[SHARE] == Decimal("0.20")
    assert explain(office.tenant, SHARE).value == Decimal("0.20")
    with pytest.raises(Refused, match="was published by Nils Holt"):
        office.approve(proposal.id)


def test_an_approved_change_lies_on_top_of_what_holds_by_then(office: Office) -> None:
    proposal = office.change({SHARE: Decimal("0.20")})
    office.change({"brand.name": "Dawn"})
    office.approve(proposal.id)
    assert office.now.values == {"brand.name": "Dawn", SHARE: Decimal("0.20")}
    assert office.now.revision == proposal.id


def test_a_refused_proposal_changes_nothing(office: Office) -> None:
    proposal = office.change({SHARE: Decimal("0.20")})
    assert office.refuse(proposal.id).state is RevisionState.REFUSED
    assert office.now.values == {}
    with pytest.raises(Refused, match="does not wait"):
        office.approve(proposal.id)


def test_a_proposal_is_overtaken_by_a_later_change_of_the_same_key(office: Office) -> None:
    proposal = office.change({SHARE: Decimal("0.20"), "brand.name": "Dawn"})
    office.change({"brand.name": "Dusk"})
    assert [revision.state for revision in office.history] == [RevisionState.PUBLISHED, RevisionState.SUPERSEDED]
    with pytest.raises(Refused, match="superseded by revision 2"):
        office.approve(proposal.id)


def test_a_proposal_that_no_longer_validates_is_refused_whole(office: Office) -> None:
    proposal = office.change({SHARE: Decimal("0.28")})
    office.command({"fees.profit_share_ratio_max": Decimal("0.25")})
    with pytest.raises(RefusedSettings, match=r"at (most|least)") as refused:
        office.approve(proposal.id)
    assert {error.key for error in refused.value.errors} == {SHARE, "fees.profit_share_ratio_max"}
    assert office.now.values == {"fees.profit_share_ratio_max": Decimal("0.25")}


@pytest.mark.parametrize(
    ("market", "waits"),
    [
        ({"on": False}, False),
        ({"leverage_max": 3}, False),
        ({"payout_weekend_ratio": Decimal("0.5")}, True),
        ({"payout_weekend_ratio": Decimal(1)}, False),
    ],
)
def test_of_a_market_only_its_payouts_take_two_people(office: Office, market: dict[str, object], waits: bool) -> None:
    revision = office.change({"markets": {PERPETUAL: market}})
    assert (revision.state is RevisionState.PROPOSED) is waits


def test_a_sensitive_key_that_keeps_its_value_takes_nobody_else(office: Office) -> None:
    assert office.change({"brand.hosts": ["aurora.localhost"]}).state is RevisionState.PUBLISHED


def test_the_operator_needs_nobody_and_may_change_what_a_panel_may_not(office: Office) -> None:
    with pytest.raises(RefusedSettings, match="only the operator changes"):
        office.change({"identity.text_messages": "files"})
    revision = office.command({"identity.text_messages": "files", SHARE: Decimal("0.20")})
    assert (revision.state, revision.author_id, revision.author) == (RevisionState.PUBLISHED, None, "command line")


def test_a_panel_adds_no_environment_that_the_operator_did_not_give(office: Office) -> None:
    live = [{"venue": "okx", "environment": "live", "markets": ["BTC/USDT"]}]
    with pytest.raises(RefusedSettings) as refused:
        office.change({"exchanges": live})
    assert [error.key for error in refused.value.errors] == ["exchanges[].environment"]
    lab = [{"venue": "okx", "environment": "lab", "markets": ["BTC/USDT"]}]
    assert office.change({"exchanges": lab}).state is RevisionState.PROPOSED


def test_a_rollback_is_a_new_revision_with_the_old_values(office: Office) -> None:
    office.change({"brand.name": "Dawn"})
    office.change({"brand.name": "Dusk", "brand.tagline": "Late"})
    back = office.rollback(1)
    assert (back.id, back.rolls_back, dict(office.now.values)) == (3, 1, {"brand.name": "Dawn"})
    assert office.tenant.name == "Dawn"
    assert office.rollback(0).values == {}
    assert office.tenant.name == "Aurora"


def test_a_rollback_of_something_sensitive_takes_two_people_too(office: Office) -> None:
    office.command({SHARE: Decimal("0.20")})
    office.command({SHARE: Decimal("0.25")})
    back = office.rollback(1)
    assert (back.state, back.changes[SHARE].after) == (RevisionState.PROPOSED, Decimal("0.20"))
    office.approve(back.id)
    assert office.now.values == {SHARE: Decimal("0.20")}


def test_a_rollback_that_no_longer_validates_is_refused_and_the_last_good_goes_on(office: Office) -> None:
    office.change({"markets": {"SOL/USDT": {"on": False}}})
    office.change({"markets": None})
    path = office.root / "tenants" / "aurora" / "tenant.yaml"
    path.write_text(path.read_text().replace(" SOL/USDT,", ""))
    with pytest.raises(RefusedSettings, match="SOL/USDT"):
        office.rollback(1)
    assert (office.now.revision, office.directory.problems()) == (2, ())
    with pytest.raises(NotFound):
        office.rollback(99)


def test_only_what_once_held_can_be_rolled_back_to(office: Office) -> None:
    proposal = office.change({SHARE: Decimal("0.20")})
    with pytest.raises(Refused, match="never held"):
        office.rollback(proposal.id)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"brand.colors.brand": "blue"}, "a color such as"),
        ({"brand.nam": "Dawn"}, r"did you mean brand\.name\?"),
        ({"brand": {}}, "a known key"),
        ({"exchanges[].venue": "okx"}, "a known key"),
        ({"tenancy.refresh_interval_ms": 5}, "defaults.yaml only"),
        ({"replication.slippage_bps_max": "40"}, "a whole number from 1 to 300"),
        ({"brand.hosts": ["boreal.localhost"]}, "no other brand serves"),
        ({"brand.logo": "stored:" + "0" * 32 + ".svg"}, "a file that was uploaded here"),
        ({"smtp.password": "hunter2", "smtp.host": "a.example", "smtp.from": "a@b.example"}, "not shown"),
        ({"fees.profit_share_ratio": Decimal("0.4")}, "at most 0.30"),
    ],
)
def test_a_wrong_change_is_refused_whole_with_place_and_reason(
    office: Office, changes: dict[str, object | None], said: str
) -> None:
    with pytest.raises(RefusedSettings, match=said):
        office.change({"brand.name": "Dawn", **changes})
    assert (office.now.revision, office.history, office.tenant.name) == (0, (), "Aurora")


def test_who_looked_at_something_else_is_told_who_changed_it(office: Office) -> None:
    office.change({"brand.name": "Dawn"}, expected=0)
    with pytest.raises(Refused, match="Revision 1 by Mara Lind") as refused:
        office.change({"brand.name": "Dusk"}, NILS, expected=0)
    assert refused.value.code == "stale"
    office.change({"brand.name": "Dusk"}, NILS, expected=1)


def test_two_who_save_at_once_do_so_one_after_the_other(office: Office) -> None:
    with ThreadPoolExecutor(2) as both:
        saved = [
            both.submit(office.change, {key: value}, actor)
            for key, value, actor in (("brand.name", "Dawn", MARA), ("brand.tagline", "Early", NILS))
        ]
    assert sorted(one.result().id for one in saved) == [1, 2]
    assert office.now.values == {"brand.name": "Dawn", "brand.tagline": "Early"}


def test_a_change_holds_up_nothing_else_that_is_stored_about_the_brand(office: Office) -> None:
    with office.db.tenant(office.tenant_id) as changing:
        lock_brand(changing)
        with office.db.tenant(office.tenant_id) as session:
            session.execute(text("SET LOCAL lock_timeout = '1s'"))
            keep_file(session, office.tenant_id, b"<svg/>", ".svg", office.at)


def test_a_change_of_nothing_and_one_without_a_reason_are_refused(office: Office) -> None:
    office.change({"brand.name": "Dawn"})
    with pytest.raises(Refused, match="Nothing differs"):
        office.change({"brand.name": "Dawn", "brand.tagline": None})
    with pytest.raises(InvalidInput, match="a reason"), office.db.tenant(office.tenant_id) as session:
        office.desk.change(
            session, office.tenant, {"brand.name": "A"}, actor=MARA, author="Mara Lind", reason=" \n", at=office.at
        )


def test_every_step_leaves_its_line_in_the_record(office: Office) -> None:
    first = office.change({"brand.name": "Dawn"})
    office.refuse(office.change({SHARE: Decimal("0.20")}).id)
    office.approve(office.change({SHARE: Decimal("0.25")}).id)
    office.rollback(first.id, MARA)
    with office.db.tenant(office.tenant_id) as session:
        entries = read_entries(session, office.tenant_id, act="settings.", limit=6)
    assert [entry.act for entry in reversed(entries)] == [
        "settings.published",
        "settings.proposed",
        "settings.refused",
        "settings.proposed",
        "settings.approved",
        "settings.proposed",
    ]
    assert entries[-1].before == {"brand.name": "Aurora"}
    assert entries[-1].after == {"brand.name": "Dawn", "reason": "as agreed"}


def test_another_brand_sees_none_of_it(office: Office) -> None:
    office.change({"brand.name": "Dawn"})
    with office.db.tenant(office.other_id) as session:
        assert (office.desk.history(session), office.desk.overrides(session).revision) == ((), 0)
    boreal = office.directory.by_slug("boreal")
    assert boreal is not None
    assert boreal.name == "BOREAL"


def test_history_continues_where_a_page_ended_and_proposals_wait_in_order(office: Office) -> None:
    for radius in (1, 2, 3):
        office.change({"brand.radius_px": radius})
    waiting = [office.change({key: Decimal("0.2")}).id for key in (SHARE, "fees.platform_ratio")]
    with office.db.tenant(office.tenant_id) as session:
        assert [one.id for one in office.desk.history(session, limit=2, before=3)] == [2, 1]
        assert [one.id for one in office.desk.waiting(session)] == waiting
        assert office.desk.revision(session, 2).changes["brand.radius_px"] == Change(1, 2, 1, 2)


def test_what_is_no_key_any_more_can_still_be_taken_away(office: Office) -> None:
    assert office.desk.check(office.tenant, {"brand.of_an_older_release": None}).name == "Aurora"
