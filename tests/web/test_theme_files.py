"""What a theme says of itself is checked whole, and its style sheets arrive as one file per kind of page."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from copydesk.kernel import ConfigError
from copydesk.web.oklch import contrast, mixed
from copydesk.web.theme_file import installed_themes, read_theme
from flask.testing import FlaskClient
from site_seed import ROOT

Visit = Callable[[str], FlaskClient]
THEMES_DIR = ROOT / "themes"
FIRST_PAGE_BYTES_MAX = 100 * 1024
_LINK = re.compile(r'<link rel="stylesheet" href="([^"]+)">')


def theme(folder: Path, name: str, text: str) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / name / "theme.yaml").write_text(text)


def test_the_installed_themes_are_whole_and_core_comes_first() -> None:
    names = installed_themes(THEMES_DIR)
    assert names == ("core", "aurora", "obsidian")
    assert [read_theme(THEMES_DIR, name).chain[-1] for name in names] == ["core"] * 3


@pytest.mark.parametrize("name", installed_themes(THEMES_DIR))
def test_quiet_text_can_be_read_on_every_paper_of_a_theme(name: str) -> None:
    grounds = read_theme(THEMES_DIR, name).grounds
    for ground in (grounds.light, grounds.dark):
        quiet = mixed(ground.ink, 0.74, ground.paper)
        for paper in (ground.paper, ground.raised, mixed(ground.ink, 0.05, ground.paper)):
            assert contrast(quiet, paper) >= 4.5
            assert contrast(ground.ink, paper) >= 7


def test_what_a_theme_leaves_out_comes_from_what_it_extends(tmp_path: Path) -> None:
    theme(tmp_path, "core", "name: core\ntitle: Core\nbundles: {site: [base]}\n")
    theme(
        tmp_path,
        "north",
        'name: north\ntitle: North\nhome: dark\npaper: {light: "#ffffff", dark: "#000000"}\nstyles: [n]',
    )
    theme(tmp_path, "pole", "name: pole\ntitle: Pole\nextends: north\ndefaults: {density: compact}\nstyles: [p]\n")
    read = read_theme(tmp_path, "pole")
    assert read.chain == ("pole", "north", "core")
    assert read.grounds.home == "dark"
    assert read.grounds.dark.paper == "#000000"
    assert (read.density, read.radius_px) == ("compact", 10)
    assert read.sheets["site"] == ("base", "n", "p")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: odd\ntitle: Odd\ncolour: red\n", "colour: expected one of name, title"),
        ("name: other\ntitle: Odd\n", "name: expected the folder's name 'odd', found 'other'"),
        ('name: odd\ntitle: Odd\npaper: {light: "white", dark: "#000000"}\n', "paper.light"),
        ("name: odd\ntitle: Odd\nextends: odd\n", "extends: expected no circle"),
        ("name: odd\ntitle: Odd\nextends: gone\n", "expected an installed theme"),
        ("name: odd\ntitle: [broken\n", "expected YAML"),
        ("name: odd\ntitle: Odd\nstyles: [../../secret]\n", "styles.0"),
    ],
)
def test_a_wrong_theme_file_is_refused_with_place_and_reason(tmp_path: Path, text: str, said: str) -> None:
    theme(tmp_path, "core", "name: core\ntitle: Core\n")
    theme(tmp_path, "odd", text)
    with pytest.raises(ConfigError, match=r"theme\.yaml") as refused:
        read_theme(tmp_path, "odd")
    assert said in str(refused.value)


def test_a_page_has_one_style_sheet_that_browsers_keep_for_a_year(visit: Visit) -> None:
    browser = visit("aurora")
    (address,) = _LINK.findall(browser.get("/").text)
    answer = browser.get(address)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.content_type.startswith("text/css")
    assert browser.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_a_page_carries_every_color_of_its_brand_worked_out(visit: Visit) -> None:
    page = visit("boreal").get("/").text
    assert "--brand: #22d3ee; " in page
    assert "--on-brand: #000000; " in page
    (ink,) = re.findall(r"--brand-ink: light-dark\((#\w{6}), #22d3ee\); ", page)
    assert contrast(ink, read_theme(THEMES_DIR, "obsidian").grounds.light.paper) >= 4.5


def test_a_bundle_holds_cores_sheets_then_the_themes_and_addresses_that_work_from_anywhere(visit: Visit) -> None:
    browser = visit("boreal")
    (address,) = _LINK.findall(browser.get("/").text)
    css = browser.get(address).text
    assert css.startswith("@layer tokens, base, layout, blocks, utilities;")
    assert css.index(".masthead__row") < css.index(".prompt")
    fonts = re.findall(r'url\("([^"]+)"\)', css)
    assert fonts and all(font.startswith("/theme/obsidian/vendor/") for font in fonts)
    assert "/*" not in css


def test_a_bundle_comes_compressed_to_whom_that_suits_and_plain_to_others(visit: Visit) -> None:
    browser = visit("aurora")
    (address,) = _LINK.findall(browser.get("/").text)
    packed = browser.get(address, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert gzip.decompress(packed.data).decode() == browser.get(address).text


def test_a_bundle_of_yesterday_is_answered_with_that_of_today_and_kept_by_nobody(visit: Visit) -> None:
    browser = visit("aurora")
    answer = browser.get("/theme/aurora/bundle-site-000000000000.css")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, no-cache")
    assert browser.get("/theme/obsidian/bundle-site-0.css").status_code == 404
    assert browser.get("/theme/aurora/bundle-other-0.css").status_code == 404


@pytest.mark.parametrize("brand", ["aurora", "boreal"])
def test_the_first_page_is_small(visit: Visit, brand: str) -> None:
    """What a first visit to the landing page loads: texts compressed as a proxy does, fonts and pictures untouched."""
    browser = visit(brand)
    page = browser.get("/").text
    addresses = {*_LINK.findall(page), *re.findall(r'(?:src|rel="icon" href)="(/[^"]+)"', page)}
    css = browser.get(_LINK.findall(page)[0]).text
    addresses |= set(re.findall(r'url\("([^"]+)"\)', css))
    whole = len(gzip.compress(page.encode()))
    for address in addresses:
        whole += len(browser.get(address, headers={"Accept-Encoding": "gzip"}).data)
    assert len(_LINK.findall(page)) == 1
    assert whole <= FIRST_PAGE_BYTES_MAX
