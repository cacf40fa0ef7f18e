"""A running site follows its tenant files, and one bad file never takes another brand down."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from copydesk.bootstrap import declared_settings
from copydesk.tenancy import TenantDirectory
from copydesk.web import create_app
from flask.testing import FlaskClient
from site_seed import ROOT, FakeRuntime


@pytest.fixture
def tenants(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "tenants", tmp_path / "tenants"))


@pytest.fixture
def directory(tenants: Path) -> TenantDirectory:
    defaults = ROOT / "config" / "defaults.yaml"
    return TenantDirectory(tenants, defaults, themes_dir=ROOT / "themes", settings=declared_settings())


@pytest.fixture
def browser(directory: TenantDirectory) -> FlaskClient:
    """A client of an app whose pages here need no database."""
    ids = {"aurora": 1, "boreal": 2, "cobalt": 3}
    return create_app(FakeRuntime("postgresql://nobody@127.0.0.1:1/none", directory, tenant_ids=ids)).test_client()


def page_of(browser: FlaskClient, host: str) -> str:
    return browser.get("/nothing", headers={"Host": host}).text


def test_a_bad_file_leaves_its_own_brand_and_every_other_as_they_were(
    browser: FlaskClient, directory: TenantDirectory, tenants: Path
) -> None:
    (tenants / "aurora" / "tenant.yaml").write_text("brand: [broken")
    assert directory.refresh()
    assert "Aurora" in page_of(browser, "aurora.localhost")
    assert "BOREAL" in page_of(browser, "boreal.localhost")


def test_a_new_name_shows_without_a_restart(browser: FlaskClient, directory: TenantDirectory, tenants: Path) -> None:
    file = tenants / "aurora" / "tenant.yaml"
    file.write_text(file.read_text().replace("name: Aurora", "name: Sunrise"))
    assert directory.refresh()
    assert "Sunrise" in page_of(browser, "aurora.localhost")


def test_a_new_brand_serves_and_a_removed_one_is_neutral(
    browser: FlaskClient, directory: TenantDirectory, tenants: Path
) -> None:
    shutil.copytree(tenants / "aurora", tenants / "cobalt")
    file = tenants / "cobalt" / "tenant.yaml"
    file.write_text(file.read_text().replace("aurora.localhost", "cobalt.localhost").replace("Aurora", "Cobalt"))
    shutil.rmtree(tenants / "boreal")
    assert directory.refresh()
    assert "Cobalt" in page_of(browser, "cobalt.localhost")
    assert "BOREAL" not in page_of(browser, "boreal.localhost")


def test_a_page_that_a_brand_has_switched_off_is_not_there(
    browser: FlaskClient, directory: TenantDirectory, tenants: Path
) -> None:
    file = tenants / "aurora" / "tenant.yaml"
    file.write_text(file.read_text().replace("desk: true", "desk: false").replace("rboard: true", "rboard: false"))
    assert directory.refresh()
    answers = [browser.get(path, headers={"Host": "aurora.localhost"}) for path in ("/desk", "/desk/1", "/strategies")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_the_tokens_of_the_tenant_file_reach_the_page(
    browser: FlaskClient, directory: TenantDirectory, tenants: Path
) -> None:
    file = tenants / "aurora" / "tenant.yaml"
    file.write_text(file.read_text().replace("#c2410c", "#123456"))
    assert directory.refresh()
    assert "--brand: #123456" in page_of(browser, "aurora.localhost")
    assert "--radius: 18px" in page_of(browser, "aurora.localhost")
