"""Pictures that visitors send: only what can be seen of them is kept, and none of them costs more than it may."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import PIL.Image
import pytest
from copydesk.kernel import InvalidInput
from copydesk.web import create_app
from copydesk.web.csrf import HEADER
from copydesk.web.uploads import Painted, Picture, painted_anew, takes_file
from flask import Flask, request
from flask.testing import FlaskClient
from form_posts import form_token
from PIL.PngImagePlugin import PngInfo
from site_seed import FakeRuntime
from werkzeug.test import TestResponse

SCRIPT = b"<script>alert(1)</script>"


def picture(form: str, size: tuple[int, int] = (40, 20), mode: str = "RGB", **saved: Any) -> bytes:
    out = io.BytesIO()
    PIL.Image.new(mode, size, (200, 30, 30, 128)[: len(mode)]).save(out, form, **saved)
    return out.getvalue()


@pytest.fixture
def paint(app: Flask) -> Callable[..., Picture]:
    def painted(data: bytes, **options: Any) -> Picture:
        with app.test_request_context():
            return painted_anew("logo", io.BytesIO(data), **options)

    return painted


@pytest.mark.parametrize("form", ("PNG", "JPEG", "WEBP"))
@pytest.mark.parametrize("kept", Painted)
def test_a_picture_is_painted_anew_in_the_form_that_is_kept(paint: Callable[..., Picture], form: str, kept: Painted):
    found = paint(picture(form), form=kept)
    again = PIL.Image.open(io.BytesIO(found.data))
    assert (again.format, again.size) == (kept.name, (40, 20))
    assert found.content_type == f"image/{kept}"


def test_what_is_transparent_stays_transparent(paint: Callable[..., Picture]) -> None:
    found = PIL.Image.open(io.BytesIO(paint(picture("PNG", mode="RGBA")).data))
    assert found.mode == "RGBA"


def test_a_large_picture_is_made_smaller_and_keeps_its_shape(paint: Callable[..., Picture]) -> None:
    found = paint(picture("PNG", (2000, 500)), side_max=256)
    assert (found.width, found.height) == (256, 64)


def test_metadata_is_left_behind_and_its_turn_carried_out(paint: Callable[..., Picture]) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "secret place"
    sent = picture("JPEG", exif=exif.tobytes(), comment=b"secret note")
    found = paint(sent)
    assert (found.width, found.height) == (20, 40)
    for form in Painted:
        data = paint(sent, form=form).data
        assert b"secret" not in data
        assert not PIL.Image.open(io.BytesIO(data)).getexif()


def texts_of_a_png() -> bytes:
    info = PngInfo()
    info.add_text("comment", SCRIPT.decode())
    return picture("PNG", pnginfo=info)


POLYGLOTS = {
    "script behind a png": picture("PNG") + SCRIPT,
    "script in a png's text": texts_of_a_png(),
    "script behind a jpeg": picture("JPEG") + SCRIPT,
    "script in a jpeg's comment": picture("JPEG", comment=SCRIPT),
    "archive behind a webp": picture("WEBP") + b"PK\x03\x04" + SCRIPT,
}


@pytest.mark.parametrize("name", POLYGLOTS)
def test_a_second_file_inside_a_picture_does_not_survive(paint: Callable[..., Picture], name: str) -> None:
    assert SCRIPT in POLYGLOTS[name]
    for form in Painted:
        data = paint(POLYGLOTS[name], form=form).data
        assert SCRIPT not in data and b"PK\x03\x04" not in data


def png_that_claims(width: int, height: int) -> bytes:
    """Write a small PNG whose head promises that many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", ((50_000, 50_000), (100_000, 10), (8_000, 8_000), (30_000, 30_000)))
def test_a_bomb_is_refused_before_it_is_unpacked(paint: Callable[..., Picture], size: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput, match="logo: expected at most 16 million pixels") as refusal:
        paint(png_that_claims(*size))
    assert refusal.value.code == "picture_too_wide"


NO_PICTURES = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "gif": picture("GIF", mode="L"),
    "bmp": picture("BMP"),
    "text": b"not a picture",
    "half a png": picture("PNG", (300, 300))[:60],
    "a png of nothing": b"\x89PNG\r\n\x1a\n",
    "a jpeg that breaks off": picture("JPEG", (300, 300))[:200],
    "a webp that lies": b"RIFF\x10\x00\x00\x00WEBPVP8 \xff\xff\xff\xff",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
}


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_is_no_picture_of_the_three_forms_is_refused(paint: Callable[..., Picture], name: str) -> None:
    with pytest.raises(InvalidInput, match="logo: expected a PNG, JPEG or WebP picture") as refusal:
        paint(NO_PICTURES[name])
    assert refusal.value.code == "picture_unreadable"


def test_too_many_bytes_and_none_are_refused_by_name(paint: Callable[..., Picture]) -> None:
    with pytest.raises(InvalidInput, match="logo: expected at most 1 KiB"):
        paint(b"x" * 2_000, bytes_max=1024)
    with pytest.raises(InvalidInput, match="logo: choose a picture first"):
        paint(b"")


class AuroraBrowser(FlaskClient):
    """A client on one brand's host."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, base_url="http://aurora.localhost", **kwargs)


def test_a_view_that_takes_files_has_a_limit_of_its_own(runtime: FakeRuntime) -> None:
    app = create_app(runtime)

    @takes_file(200 * 1024)
    def sized() -> str:
        return str(len(request.files["logo"].read()))

    sized.needs = "public"  # type: ignore[attr-defined]
    app.add_url_rule("/picture", "picture", sized, methods=["POST"])
    app.test_client_class = AuroraBrowser
    browser = app.test_client()
    headers = {HEADER: form_token(browser)}
    for size, status in ((100, 200), (200 * 1024, 200), (300 * 1024, 413)):
        sent = {"logo": (io.BytesIO(b"x" * size), "logo.png")}
        answer = browser.post("/picture", data=sent, headers=headers)
        assert answer.status_code == status
    assert "Send at most 264 KiB here." in answer.text
