"""From a form to a revision: derived fields, differences before publishing, refusals, two people, and the way back."""

from __future__ import annotations

from panel_site import PanelSite, hidden_of, words


def test_a_section_shows_each_setting_with_its_bounds_and_where_its_value_comes_from(site: PanelSite) -> None:
    page = words(site.browser().get("/panel/trading"))
    assert "Price bound" in page
    assert "From 1" in page
    assert "to 300" in page
    assert "from the file, line" in page
    assert "from the installation's defaults" in page
    assert "the default" in page


def test_a_change_is_shown_before_it_is_published_and_holds_at_once_afterwards(site: PanelSite) -> None:
    browser = site.browser()
    shown = browser.send("/panel/trading", {"replication.slippage_bps_max": "60"})
    assert shown.status_code == 200
    assert "Nothing is published yet." in words(shown)
    assert "− 40" not in words(site.browser().get("/panel/history"))
    published = browser.confirm(shown, "/panel/trading", "quieter markets")
    assert published.status_code == 303
    revision = browser.get(published.location)
    assert "quieter markets" in words(revision)
    assert site.brand().settings["replication.slippage_bps_max"] == 60
    assert "set here by Mara, revision 1" in words(browser.get("/panel/trading"))
    assert site.acts() == ["settings.published"]


def test_a_wrong_field_is_marked_and_what_was_typed_stays(site: PanelSite) -> None:
    browser = site.browser()
    typed = {"replication.slippage_bps_max": "many", "replication.carry_s_max": "77"}
    refused = browser.send("/panel/trading", typed)
    assert refused.status_code == 422
    assert 'Price bound: expected a whole number, found "many"' in words(refused)
    assert 'value="many"' in refused.text
    assert 'value="77"' in refused.text
    assert 'aria-describedby="error-replication.slippage_bps_max' in refused.text
    assert site.revisions() == ()


def test_a_value_beyond_its_bounds_is_refused_with_what_was_expected(site: PanelSite) -> None:
    refused = site.browser().send("/panel/trading", {"replication.slippage_bps_max": "301"})
    assert refused.status_code == 422
    assert "Price bound: expected a whole number from 1 to 300, found 301." in words(refused)


def test_a_number_that_would_fill_a_page_with_zeros_is_refused(site: PanelSite) -> None:
    refused = site.browser().send("/panel/fees", {"fees.platform_ratio": "1e-999999"})
    assert refused.status_code == 422
    assert 'expected a number, found "1e-999999"' in words(refused)
    assert len(refused.text) < 100_000
    assert site.revisions() == ()


def test_a_form_that_changes_nothing_is_refused(site: PanelSite) -> None:
    refused = site.browser().send("/panel/trading", {"replication.slippage_bps_max": "40"})
    assert refused.status_code == 422
    assert "Nothing was changed" in words(refused)


def test_a_change_without_a_reason_is_asked_for_one_and_nothing_is_lost(site: PanelSite) -> None:
    browser = site.browser()
    shown = browser.send("/panel/trading", {"replication.slippage_bps_max": "60"})
    asked = browser.confirm(shown, "/panel/trading", "")
    assert asked.status_code == 422
    assert "Reason: expected 3 to 300 characters, found 0." in words(asked)
    assert browser.confirm(asked, "/panel/trading", "now with one").status_code == 303


def test_the_differences_lead_back_to_the_form_with_what_was_typed(site: PanelSite) -> None:
    browser = site.browser()
    shown = browser.send("/panel/trading", {"replication.slippage_bps_max": "61"})
    again = browser.post("/panel/trading", data=hidden_of(shown) | {"step": "edit"})
    assert again.status_code == 200
    assert 'value="61"' in again.text


def test_a_form_that_somebody_overtook_is_refused_with_both_values(site: PanelSite) -> None:
    mara, nils = site.browser(name="Mara"), site.browser(name="Nils")
    shown = nils.send("/panel/trading", {"replication.slippage_bps_max": "70"})
    mara.change("/panel/trading", {"replication.slippage_bps_max": "60"})
    overtaken = nils.confirm(shown, "/panel/trading")
    assert overtaken.status_code == 409
    said = "Price bound: Mara set this to 60 bps meanwhile, with revision 1; you typed 70 bps."
    assert said.replace(" ", "") in words(overtaken).replace("\u00a0", "").replace(" ", "")
    assert 'value="70"' in overtaken.text
    assert site.brand().settings["replication.slippage_bps_max"] == 60
    assert nils.change("/panel/trading", {"replication.slippage_bps_max": "70"}).status_code == 303


def test_the_panels_value_is_taken_back_by_a_tick(site: PanelSite) -> None:
    browser = site.browser()
    browser.change("/panel/trading", {"replication.slippage_bps_max": "60"})
    browser.change("/panel/trading", {"replication.slippage_bps_max:back": "yes"})
    assert site.brand().settings["replication.slippage_bps_max"] == 40
    assert site.brand().overrides.values == {}


def test_a_switch_is_turned_off_and_a_list_is_read_line_by_line(site: PanelSite) -> None:
    browser = site.browser()
    typed = {"risk.protective_stops:shown": "1", "risk.limits": "loss > 5 % of equity per day -> warn\r\n\r\n"}
    shown = browser.send("/panel/risk", typed)
    assert "loss > 5 % of equity per day -> warn" in words(shown)
    published = browser.confirm(shown, "/panel/risk")
    assert published.status_code == 303, words(published)
    [proposed] = site.revisions()
    assert proposed.values == {
        "risk.protective_stops": False,
        "risk.limits": ["loss > 5 % of equity per day -> warn"],
    }
    wrong = browser.send("/panel/risk", {"risk.limits": "loss is bad"})
    assert wrong.status_code == 422
    assert "Limits for everybody: expected" in words(wrong)


def test_a_host_of_another_brand_is_refused_by_name(site: PanelSite) -> None:
    refused = site.browser().send("/panel/hosts", {"brand.hosts": "aurora.localhost\nboreal.localhost"})
    assert refused.status_code == 422
    assert "Host names: expected a host that no other brand serves, found boreal.localhost" in words(refused)


def test_who_may_only_look_gets_no_button_and_cannot_send(site: PanelSite) -> None:
    browser = site.browser("auditor")
    page = browser.get("/panel/trading")
    assert "Your role lets you look at these settings" in words(page)
    sent = browser.send("/panel/trading", {"replication.slippage_bps_max": "60"})
    assert sent.status_code == 403


def test_the_front_page_counts_what_is_set_here_and_what_waits(site: PanelSite) -> None:
    browser = site.browser()
    browser.change("/panel/trading", {"replication.slippage_bps_max": "60", "replication.carry_s_max": "10"})
    browser.change("/panel/fees", {"fees.profit_share_ratio": "12"})
    page = words(browser.get("/panel"))
    assert "2 values set here" in page
    assert "Revision 2 waits for a second person" in page
    assert "waits for approval" in page


def test_who_takes_away_the_address_that_they_use_is_told_so_first(site: PanelSite) -> None:
    shown = site.browser().send("/panel/hosts", {"brand.hosts": "desk.aurora.example"})
    assert "You are at aurora.localhost, which is not among the host names any more" in words(shown)


def test_who_confirmed_long_ago_is_offered_to_do_so_beside_the_differences(site: PanelSite) -> None:
    browser = site.browser(fresh=False)
    shown = browser.send("/panel/trading", {"replication.slippage_bps_max": "60"})
    assert shown.status_code == 200
    assert "Confirm with your second factor first" in words(shown)
    assert 'href="/account/factors/step-up" target="_blank"' in shown.text
    assert browser.confirm(shown, "/panel/trading").status_code == 403
    assert site.revisions() == ()


def test_a_file_that_turned_bad_is_told_on_the_front_page_while_the_last_good_one_serves(site: PanelSite) -> None:
    browser, file = site.browser(), site.brand().path
    good = file.read_text()
    file.write_text(good.replace('brand: "#c2410c"', "brand: orange"))
    page = browser.get("/panel")
    file.write_text(good)
    assert page.status_code == 200
    assert "Not in use: the last good settings hold Brand color: expected a color" in words(page)
