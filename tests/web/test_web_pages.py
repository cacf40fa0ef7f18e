"""Every public page on both brands: its own data, its own name, nothing of the other brand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from site_seed import HOSTS, STRATEGIES, Seeded

Visit = Callable[[str], FlaskClient]
PATHS = ("/", "/strategies", "/strategies?sort=drawdown", "/strategies/{slug}", "/desk", "/desk/{signal}", "/_patterns")
OTHER = {"aurora": "boreal", "boreal": "aurora"}
NAMES = {"aurora": "Aurora", "boreal": "BOREAL"}


def address(path: str, brand: str, seeded: Seeded) -> str:
    return path.format(slug=STRATEGIES[brand][0], signal=seeded.signal_ids[brand])


@pytest.mark.parametrize("brand", HOSTS)
@pytest.mark.parametrize("path", PATHS)
def test_a_page_shows_its_own_brand_and_nothing_of_the_other(
    visit: Visit, seeded: Seeded, brand: str, path: str
) -> None:
    answer = visit(brand).get(address(path, brand, seeded))
    assert answer.status_code == 200, answer.text
    assert NAMES[brand] in answer.text
    other = OTHER[brand]
    for foreign in (NAMES[other], STRATEGIES[other][1], STRATEGIES[other][2], f"/theme/{other}/"):
        assert foreign not in answer.text


@pytest.mark.parametrize("brand", HOSTS)
@pytest.mark.parametrize("path", ("/strategies/{slug}", "/strategies/{slug}/equity.json", "/desk/{signal}"))
def test_the_other_brands_rows_do_not_exist_here(visit: Visit, seeded: Seeded, brand: str, path: str) -> None:
    answer = visit(brand).get(address(path, OTHER[brand], seeded))
    assert answer.status_code == 404


@pytest.mark.parametrize("path", (*PATHS, "/theme/core/css/base.css", "/brand/logo.svg", "/nothing"))
def test_an_unknown_host_gets_a_neutral_404(visit: Visit, seeded: Seeded, path: str) -> None:
    answer = visit("elsewhere.example").get(address(path, "aurora", seeded))
    assert answer.status_code == 404
    for name in ("aurora", "boreal", "copydesk", "theme"):
        assert name not in answer.text.lower()


@pytest.mark.parametrize("brand", HOSTS)
def test_a_missing_page_is_the_brands_own_404(visit: Visit, brand: str) -> None:
    answer = visit(brand).get("/nothing/here")
    assert answer.status_code == 404
    assert NAMES[brand] in answer.text


def test_followers_are_numbered_and_never_named(visit: Visit, seeded: Seeded) -> None:
    text = visit("aurora").get(address("/desk/{signal}", "aurora", seeded)).text
    assert "Secret Person" not in text
    assert "Follower" in text


def test_htmx_gets_the_receipt_without_the_page_around_it(visit: Visit, seeded: Seeded) -> None:
    path = address("/desk/{signal}", "aurora", seeded)
    answer = visit("aurora").get(path, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "HX-Request" in answer.vary


def test_the_chart_gets_as_many_drawdowns_as_equities(visit: Visit) -> None:
    curve = visit("aurora").get("/strategies/dawn/equity.json").json
    assert curve["equity"] == [100, 110, 99, 104, 121]
    assert curve["drawdown"] == pytest.approx([0, 0, 0.1, 6 / 110, 0])
    assert curve["at"] == sorted(curve["at"])


@pytest.mark.parametrize("path", ("/desk/99999999999999999999999999", "/desk/0", "/strategies/%00", "/desk/x"))
def test_ids_that_cannot_exist_are_not_found(visit: Visit, path: str) -> None:
    assert visit("aurora").get(path).status_code == 404


def test_an_unknown_sort_falls_back_to_return(visit: Visit) -> None:
    assert visit("aurora").get("/strategies?sort=luck").status_code == 200


@pytest.mark.parametrize("host", ("aurora.localhost", "elsewhere.example"))
def test_health_answers_on_any_host_without_a_brand(visit: Visit, host: str) -> None:
    answer = visit(host).get("/health")
    assert answer.status_code == 200
    assert answer.json["ok"] is True
    assert answer.json["revision"]
    assert ("config" in answer.json) is ("figures" in answer.json) is (host == "aurora.localhost")


def test_a_case_change_and_a_port_in_the_host_do_not_matter(visit: Visit) -> None:
    assert visit("AURORA.localhost:8000").get("/").status_code == 200
