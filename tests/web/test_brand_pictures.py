"""Icons, the card of shared links and the installed app of a brand: made from its name, its colors and one logo."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from copydesk.bootstrap import declared_settings
from copydesk.tenancy import TenantDirectory
from copydesk.web import create_app
from copydesk.web.palette import Grounds
from copydesk.web.pictures import initials, logo_plate
from flask.testing import FlaskClient
from site_seed import ROOT, FakeRuntime
from werkzeug.test import TestResponse

Change = Callable[[str], str]
GREEN = (0, 200, 0)


class AuroraBrowser(FlaskClient):
    """A client that visits Aurora."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, **{"base_url": "http://aurora.localhost", **kwargs})


@pytest.fixture
def browser_of(tmp_path: Path) -> Callable[..., FlaskClient]:
    """Open a browser on Aurora as `change` makes its file, without any database."""

    def open_browser(change: Change = str, **files: bytes) -> FlaskClient:
        tenants = Path(shutil.copytree(ROOT / "tenants", tmp_path / str(len(list(tmp_path.iterdir()))) / "tenants"))
        file = tenants / "aurora" / "tenant.yaml"
        for name, data in files.items():
            (file.parent / name.replace("_", ".")).write_bytes(data)
        file.write_text(change(file.read_text()))
        defaults = ROOT / "config" / "defaults.yaml"
        directory = TenantDirectory(tenants, defaults, themes_dir=ROOT / "themes", settings=declared_settings())
        runtime = FakeRuntime("postgresql://nobody@127.0.0.1:1/none", directory, tenant_ids={"aurora": 1, "boreal": 2})
        return AuroraBrowser(create_app(runtime))

    return open_browser


def without_pictures(file: str) -> str:
    return re.sub(r"(?m)^  (logo|favicon): .*\n", "", file).replace("name: Aurora", "name: Blue Harbor")


def painted(size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    PIL.Image.new("RGB", size, GREEN).save(out, "PNG")
    return out.getvalue()


def opened(browser: FlaskClient, address: str) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(browser.get(address).data))


@pytest.mark.parametrize(
    ("address", "size"),
    [
        ("/icon/icon-192.png", (192, 192)),
        ("/icon/maskable-512.png", (512, 512)),
        ("/apple-touch-icon.png", (180, 180)),
        ("/favicon.ico", (48, 48)),
        ("/card.png", (1200, 630)),
    ],
)
def test_every_picture_has_its_size(
    browser_of: Callable[..., FlaskClient], address: str, size: tuple[int, int]
) -> None:
    assert opened(browser_of(), address).size == size


def test_a_brand_without_pictures_is_known_by_its_letters(browser_of: Callable[..., FlaskClient]) -> None:
    browser = browser_of(without_pictures)
    page = browser.get("/nothing").text
    (mark,) = set(re.findall(r'class="brand__mark" src="([^"]+)"', page))
    assert f'<link rel="icon" href="{mark}">' in page
    assert '<span class="brand__name" translate="no">Blue Harbor</span>' in page
    drawn = browser.get(mark)
    assert ">BH</text>" in drawn.text and "#c2410c" in drawn.text
    assert drawn.headers["Cache-Control"].endswith("immutable")
    assert opened(browser, "/icon/icon-512.png").convert("RGB").getpixel((256, 20)) == (194, 65, 12)


def test_a_logo_made_of_pixels_is_what_the_pictures_show(browser_of: Callable[..., FlaskClient]) -> None:
    browser = browser_of(lambda file: file.replace("logo.svg", "logo.png"), logo_png=painted((400, 100)))
    icon = opened(browser, "/icon/icon-192.png").convert("RGB")
    card = opened(browser, "/card.png").convert("RGB")
    assert icon.getpixel((96, 96)) == card.getpixel((400, 220)) == GREEN


def test_a_logo_that_is_no_picture_leaves_the_letters(browser_of: Callable[..., FlaskClient]) -> None:
    browser = browser_of(lambda file: file.replace("logo.svg", "logo.png"), logo_png=b"not a picture")
    assert opened(browser, "/icon/icon-192.png").size == (192, 192)


def test_the_installed_app_is_the_brands_and_nobody_elses(browser_of: Callable[..., FlaskClient]) -> None:
    browser = browser_of(without_pictures)
    manifest = browser.get("/manifest.webmanifest").get_json(force=True)
    assert (manifest["name"], manifest["display"], manifest["start_url"]) == ("Blue Harbor", "standalone", "/")
    assert {icon["sizes"] for icon in manifest["icons"] if icon["purpose"] == "maskable"} == {"192x192", "512x512"}
    for icon in manifest["icons"]:
        assert opened(browser, icon["src"]).size == tuple(map(int, icon["sizes"].split("x")))
    assert "copydesk" not in str(manifest).lower()


def test_shared_links_show_the_brand(browser_of: Callable[..., FlaskClient]) -> None:
    page = browser_of().get("/nothing").text
    assert '<meta property="og:site_name" content="Aurora">' in page
    (card,) = re.findall(r'<meta property="og:image" content="(http://aurora.localhost/card.png\?v=\w{12})">', page)
    assert card


def test_new_colors_are_new_pictures_under_a_new_address(browser_of: Callable[..., FlaskClient]) -> None:
    before = re.findall(r"/card.png\?v=\w+", browser_of().get("/nothing").text)
    changed = browser_of(lambda file: file.replace("c2410c", "1d4ed8")).get("/nothing").text
    assert before != re.findall(r"/card.png\?v=\w+", changed)


@pytest.mark.parametrize(
    ("brand", "plate"), [("aurora", "light-dark(transparent, #ffffff)"), ("boreal", "light-dark(#1c1f25, transparent)")]
)
def test_a_logo_gets_a_plate_where_it_could_not_be_seen(brand: str, plate: str) -> None:
    logo = (ROOT / "tenants" / brand / "logo.svg").read_bytes()
    assert logo_plate(logo, Grounds()) == plate


def test_a_logo_that_is_seen_everywhere_or_that_nobody_can_read_gets_no_plate() -> None:
    blue = b'<svg xmlns="http://www.w3.org/2000/svg"><path fill="#3b82f6" d="M0 0h9v9z"/></svg>'
    assert [logo_plate(logo, Grounds()) for logo in (blue, painted((20, 20)), b"not a picture")] == [
        None,
        "light-dark(#1c1f25, transparent)",
        None,
    ]


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Aurora", "A"), ("blue harbor ltd", "BH"), ("نور الفجر", "نا"), ("24/7 Trade", "27"), ("—", "•")],
)
def test_the_first_letters_of_two_words_stand_for_a_name(name: str, letters: str) -> None:
    assert initials(name) == letters
