"""The brand's section: colors explained and corrected, files that are looked at, a preview that stores nothing."""

from __future__ import annotations

import re
from io import BytesIO

from panel_site import PanelSite, words
from PIL import Image

BRAND = "/panel/brand"
PALE, BLUE = "#fff3b0", "#1d4ed8"


def picture(side: int = 40, mode: str = "RGB") -> BytesIO:
    out = BytesIO()
    Image.new(mode, (side, side)).save(out, "PNG")
    return BytesIO(out.getvalue())


def test_a_color_is_published_and_every_page_has_it(site: PanelSite) -> None:
    browser = site.browser()
    browser.change(BRAND, {"brand.colors.brand": BLUE, "brand.radius_px": "4"})
    assert f"--brand: {BLUE};" in browser.get("/").text
    assert "--radius: 4px;" in browser.get("/").text


def test_a_color_without_contrast_is_explained_with_what_is_used_instead(site: PanelSite) -> None:
    browser = site.browser()
    shown = browser.send(BRAND, {"brand.colors.brand": PALE})
    said = words(shown)
    assert f"Brand color: {PALE} has a contrast of 1." in said
    assert "is used instead" in said
    browser.confirm(shown, BRAND)
    assert "A color is corrected" in words(browser.get("/panel"))


def test_a_color_that_is_none_is_refused(site: PanelSite) -> None:
    refused = site.browser().send(BRAND, {"brand.colors.brand": "blue"})
    assert refused.status_code == 422
    assert "Brand color: expected a color such as" in words(refused)


def test_colors_are_told_while_they_are_chosen(site: PanelSite) -> None:
    browser = site.browser()
    told = browser.get(f"{BRAND}/palette", query_string={"brand.colors.brand": PALE})
    assert "has a contrast of" in words(told)
    assert f'fill="{PALE}"' in told.text
    wrong = browser.get(f"{BRAND}/palette", query_string={"brand.colors.brand": "#12"})
    assert "expected a color" in words(wrong)
    assert site.revisions() == ()


def test_the_preview_shows_the_landing_page_as_it_would_be_and_stores_nothing(site: PanelSite) -> None:
    browser = site.browser()
    typed = {"brand.name": "Morning", "brand.colors.brand": BLUE, "brand.theme": "obsidian"}
    shown = browser.send(f"{BRAND}/preview", typed, page=BRAND)
    assert shown.status_code == 200
    assert "Morning" in words(shown)
    assert f"--brand: {BLUE};" in shown.text
    [styles] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', shown.text)
    sheet = browser.get(styles)
    assert (sheet.status_code, sheet.content_type) == (200, "text/css; charset=utf-8")
    for font in set(re.findall(r'url\("([^"]+)"\)', sheet.text)):
        assert browser.get(font).status_code == 200, font
    assert site.brand().name == "Aurora"
    assert site.revisions() == ()


def test_an_uploaded_logo_is_painted_anew_carried_to_the_preview_and_published(site: PanelSite) -> None:
    browser = site.browser()
    shown = browser.send(BRAND, {"brand.logo:file": (picture(), "logo.png")})
    assert shown.status_code == 200
    [name] = set(re.findall(r"stored:([0-9a-f]{32}\.png)", shown.text))
    assert browser.get(f"/brand/{name}").status_code == 404
    assert browser.get(f"{BRAND}/kept/{name}").content_type == "image/png"
    assert site.browser("owner", "boreal").get(f"{BRAND}/kept/{name}").status_code == 404
    browser.confirm(shown, BRAND)
    assert site.brand().config.brand.logo == f"stored:{name}"
    assert browser.get(f"/brand/{name}").status_code == 200
    assert name in browser.get("/").text


def test_files_that_are_not_what_they_say_are_refused_at_their_fields(site: PanelSite) -> None:
    browser = site.browser()
    files = {"brand.logo:file": (BytesIO(b"<svg onload=alert(1)>"), "logo.png"), "brand.name": "Morning"}
    refused = browser.send(BRAND, files | {"brand.font:file": (BytesIO(b"wOFF, nearly"), "a.woff2")})
    assert refused.status_code == 422
    assert "Logo: expected a PNG, JPEG or WebP picture." in words(refused)
    assert "Font: expected a WOFF2 font of at most 512 KiB." in words(refused)
    assert 'value="Morning"' in refused.text
    huge = browser.send(BRAND, {"brand.logo:file": (picture(5_000, "1"), "logo.png")})
    assert "Logo: expected at most 16 million pixels." in words(huge)


def test_the_name_of_a_file_beside_the_brands_own_cannot_be_typed(site: PanelSite) -> None:
    refused = site.browser().send(BRAND, {"brand.logo": "../boreal/logo.svg"})
    assert "Nothing was changed" in words(refused)


def test_a_stored_name_that_nobody_uploaded_is_refused(site: PanelSite) -> None:
    browser = site.browser()
    shown = browser.send(BRAND, {"brand.logo": f"stored:{'0' * 32}.png"})
    refused = browser.confirm(shown, BRAND)
    assert refused.status_code == 422
    assert "Logo: expected a file that was uploaded here" in words(refused)


def test_a_file_of_no_installed_theme_is_not_found(site: PanelSite) -> None:
    browser = site.browser()
    assert browser.get(f"{BRAND}/look/obsidian/js/scheme.js").status_code == 200
    for path in ("none/css/base.css", "obsidian/../../x", "obsidian/bundle-none.css", "obsidian/nothing.css"):
        assert browser.get(f"{BRAND}/look/{path}").status_code == 404
