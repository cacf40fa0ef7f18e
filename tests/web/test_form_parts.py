"""The parts of forms: every field has its label, its help and its error, and no secret is ever given back."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from site_seed import HOSTS

PARTS = "{% import 'forms.html' as forms %}{% import 'form_blocks.html' as blocks %}"


def rendered(app: Flask, source: str, **values: object) -> str:
    """Render a piece of a page as the brand's theme does."""
    with app.test_request_context(base_url=f"http://{HOSTS['aurora']}"):
        app.preprocess_request()
        themes = app.extensions["copydesk_themes"]
        return str(themes.environment("aurora").from_string(PARTS + source).render(values))


@pytest.mark.parametrize(
    "part",
    [
        "forms.field('x', 'Words', error='Wrong.', help='Help.')",
        "forms.password_field('x', 'Words', error='Wrong.', help='Help.')",
        "forms.code_field('x', 'Words', error='Wrong.', help='Help.')",
        "forms.select('x', 'Words', [('a', 'A')], error='Wrong.', help='Help.')",
        "forms.textarea('x', 'Words', error='Wrong.', help='Help.')",
        "forms.checkbox('x', 'Words', error='Wrong.', help='Help.')",
        "forms.choice('x', 'Words', [('a', 'A', 'A words')], error='Wrong.', help='Help.')",
    ],
)
def test_each_part_has_the_address_that_a_summary_links_to_and_is_tied_to_its_error(app: Flask, part: str) -> None:
    html = rendered(app, "{{ " + part + " }}")
    assert html.count('id="field-x"') == html.count('id="error-x"') == html.count('id="help-x"') == 1
    assert re.search(r'aria-describedby="error-x( help-x)?"', html)
    assert "style=" not in html


def test_a_summary_links_each_sentence_to_its_field_and_is_read_out_at_once(app: Flask) -> None:
    html = rendered(app, "{{ forms.form_errors(errors) }}", errors={"email": "E-mail: <wrong>", "": "All wrong"})
    assert 'role="alert"' in html
    assert '<a href="#field-email">E-mail: &lt;wrong&gt;</a>' in html
    assert "<li>All wrong</li>" in html
    assert "2 things need your attention" in html
    assert rendered(app, "{{ forms.form_errors({}) }}").strip() == ""


def test_what_was_typed_comes_back_as_text_and_a_password_never(app: Flask) -> None:
    html = rendered(app, "{{ forms.field('x', 'Words', typed) }}", typed='"><script>')
    assert "<script>" not in html
    assert "value=" not in rendered(app, "{{ forms.password_field('x', 'Words') }}")


def test_a_code_asks_a_phone_for_digits_and_the_code_of_a_message(app: Flask) -> None:
    html = rendered(app, "{{ forms.code_field() }}")
    assert 'autocomplete="one-time-code"' in html
    assert 'inputmode="numeric"' in html


def test_steps_say_where_one_is_and_a_copy_box_needs_no_script_to_be_read(app: Flask) -> None:
    steps = rendered(app, "{{ blocks.stepper(['One', 'Two', 'Three'], 2) }}")
    assert steps.count('aria-current="step"') == 1
    assert 'aria-label="Step 2 of 3"' in steps
    box = rendered(app, "{{ blocks.copy_box('203.0.113.7', 'Our address') }}")
    assert ">203.0.113.7</code>" in box
    assert re.search(r"<button[^>]* hidden>Copy", box)
