"""The history of settings: two people for what is sensitive, one step back, and nothing of another brand."""

from __future__ import annotations

from copydesk.tenancy.revisions import RevisionState
from panel_rows import revision
from panel_site import PanelSite, words
from sqlalchemy import text

FEE = {"fees.profit_share_ratio": "12.5"}


def test_a_fee_waits_for_a_second_person_and_holds_once_they_approve(site: PanelSite) -> None:
    mara, nils = site.browser(name="Mara"), site.browser(name="Nils")
    proposed = mara.change("/panel/fees", FEE, "a better year")
    assert proposed.location == "/panel/history/1"
    assert ("Mara", "a better year") in site.proposals_told()
    assert "10 %" in words(nils.get("/fees")).replace("\u00a0", " ")
    own = words(mara.get("/panel/history/1"))
    assert "You proposed this yourself" in own
    assert "12.5 %" in own.replace("\u00a0", " ")
    refused = mara.send("/panel/history/1/approve", {}, page="/panel/history/1")
    assert refused.status_code == 400
    assert "somebody else has to approve it" in words(refused)
    approved = nils.send("/panel/history/1/approve", {}, page="/panel/history/1")
    assert approved.status_code == 303
    assert "12.5 %" in words(nils.get("/fees")).replace("\u00a0", " ")
    assert site.acts() == ["settings.approved", "settings.proposed"]


def test_who_may_not_change_fees_cannot_approve_one(site: PanelSite) -> None:
    site.browser("finance").change("/panel/fees", FEE)
    administrator = site.browser("administrator")
    assert "Your role does not include deciding this." in words(administrator.get("/panel/history/1"))
    refused = administrator.send("/panel/history/1/approve", {}, page="/panel/history/1")
    assert refused.status_code == 403
    assert site.revisions()[0].state is RevisionState.PROPOSED


def test_finance_is_led_back_to_the_fees_for_the_history_is_not_theirs(site: PanelSite) -> None:
    finance = site.browser("finance")
    assert finance.change("/panel/fees", FEE).location == "/panel/fees"
    assert finance.get("/panel/history").status_code == 403
    assert "Revision 1 waits for a second person Mara : a reason" in words(finance.get("/panel/fees"))


def test_a_proposal_is_taken_back_by_its_author(site: PanelSite) -> None:
    mara = site.browser()
    mara.change("/panel/fees", FEE)
    assert mara.send("/panel/history/1/refuse", {}, page="/panel/history/1").status_code == 303
    assert "refused" in words(mara.get("/panel/history/1"))
    again = mara.send("/panel/history/1/refuse", {}, page="/panel/history")
    assert "This was decided already." in words(again)


def test_a_share_above_its_own_bound_is_refused_at_its_field(site: PanelSite) -> None:
    refused = site.browser().send("/panel/fees", {"fees.profit_share_ratio": "40"})
    assert refused.status_code == 422
    assert "Profit share: expected" in words(refused)
    assert 'value="40"' in refused.text


def test_the_last_revision_is_taken_back_in_one_step(site: PanelSite) -> None:
    mara = site.browser()
    mara.change("/panel/trading", {"replication.slippage_bps_max": "60"})
    mara.change("/panel/trading", {"replication.slippage_bps_max": "70"})
    page = words(mara.get("/panel/history/2"))
    assert "Take this revision back" in page
    mara.send("/panel/history/1/rollback", {"reason": "too much"}, page="/panel/history/2")
    assert site.brand().settings["replication.slippage_bps_max"] == 60
    first = mara.send("/panel/history/0/rollback", {"reason": "all of it"}, page="/panel/history/3")
    assert first.status_code == 303
    assert site.brand().overrides.values == {}
    assert site.acts()[:2] == ["settings.rolled_back", "settings.rolled_back"]


def test_going_back_to_values_that_do_not_hold_any_more_is_refused_with_the_reason(site: PanelSite) -> None:
    mara = site.browser()
    with site.runtime.database.tenant(site.runtime.tenant_ids["aurora"]) as session:
        number = revision(session, "aurora")
        session.execute(text("UPDATE setting_revision SET values = '{\"brand.radius_px\": 99}'"))
    said = "Roundness of corners: expected"
    assert said in words(mara.get(f"/panel/history/{number}"))
    refused = mara.send(f"/panel/history/{number}/rollback", {"reason": "why not"}, page=f"/panel/history/{number}")
    assert refused.status_code == 422
    assert said in words(refused)
    assert site.brand().overrides.revision == 0


def test_going_back_wants_a_reason(site: PanelSite) -> None:
    mara = site.browser()
    mara.change("/panel/trading", {"replication.slippage_bps_max": "60"})
    refused = mara.send("/panel/history/0/rollback", {"reason": ""}, page="/panel/history/1")
    assert refused.status_code == 422
    assert "Reason: expected" in words(refused)


def test_a_revision_of_another_brand_is_not_there(site: PanelSite) -> None:
    site.browser("owner", "boreal").change("/panel/trading", {"replication.slippage_bps_max": "60"})
    assert site.browser().get("/panel/history/1").status_code == 404
    assert "Nothing was changed here yet" in words(site.browser().get("/panel/history"))


def test_the_history_names_who_when_why_and_what(site: PanelSite) -> None:
    mara = site.browser()
    mara.change("/panel/trading", {"replication.slippage_bps_max": "60"}, "quieter markets")
    page = words(mara.get("/panel/history"))
    for said in ("Revision 1", "Price bound", "Mara", "quieter markets", "holds now"):
        assert said in page


def test_another_process_shows_at_once_what_was_just_published(site: PanelSite) -> None:
    site.browser().change("/panel/trading", {"replication.slippage_bps_max": "60"})
    with site.other_process() as elsewhere:
        site.browser().change("/panel/trading", {"replication.slippage_bps_max": "70"})
        page = words(elsewhere.browser().get("/panel/history/2"))
    assert "holds now" in page
    assert "Take this revision back" in page
