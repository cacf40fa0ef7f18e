"""A theme may come from anybody: its templates see the values of their page, and nothing of the process around them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from copydesk.bootstrap import declared_settings
from copydesk.tenancy import TenantDirectory
from copydesk.web import create_app
from copydesk.web.page import page_values
from copydesk.web.theme import Themes
from flask import Flask
from jinja2 import TemplateNotFound, UndefinedError
from jinja2.exceptions import SecurityError
from site_seed import HOSTS, ROOT, FakeRuntime

HOSTILE = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ url_for.__globals__ }}",
    "{{ asset.__closure__[0].cell_contents }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ brand.__class__.__init__.__globals__ }}",
    "{{ visitor._get_current_object() }}",
    "{{ visitor.__wrapped__ }}",
    "{{ csrf_field.__wrapped__ }}",
    "{{ '{0.__class__.__mro__}'.format(brand) }}",
    "{{ (brand|attr('__class__')).__mro__ }}",
    "{{ locales.append(('xx', 'Other')) }}",
    "{{ brand.tokens.update({'brand': '#000000'}) }}",
    "{{ config['SECRET_KEY'] }}",
    "{{ request.environ }}",
    "{{ session.token }}",
    "{{ g.site.tenant.path }}",
    "{{ current_app.extensions }}",
    "{{ self.__init__ }}",
    "{% include '../../../setup.cfg' %}",
    "{% include '/etc/hostname' %}",
    "{% include '../../obsidian/templates/landing.html' %}",
)
REFUSED = (SecurityError, UndefinedError, TemplateNotFound)


@pytest.fixture(scope="module")
def app() -> Flask:
    """An application whose database is away: no page here needs one."""
    directory = TenantDirectory(ROOT / "tenants", ROOT / "config" / "defaults.yaml", settings=declared_settings())
    return create_app(FakeRuntime("postgresql://nobody@127.0.0.1:1/none", directory, tenant_ids={"aurora": 1}))


@pytest.fixture(scope="module")
def values(app: Flask) -> Iterator[dict[str, Any]]:
    """What a page of Aurora gives its template."""
    sites = app.extensions["copydesk_sites"]
    with app.test_request_context(base_url=f"http://{HOSTS['aurora']}"):
        sites.enter(sites.by_slug("aurora"), "en", HOSTS["aurora"])
        yield page_values()


@pytest.mark.parametrize("source", HOSTILE)
def test_a_hostile_template_reaches_nothing_behind_its_page(app: Flask, values: dict[str, Any], source: str) -> None:
    themes: Themes = app.extensions["copydesk_themes"]
    with pytest.raises(REFUSED):
        themes.environment("aurora").from_string(source).render(values)


def test_a_page_knows_no_other_brand_and_no_path_of_the_machine(app: Flask, values: dict[str, Any]) -> None:
    themes: Themes = app.extensions["copydesk_themes"]
    shown = (
        themes.environment("aurora").from_string("{{ brand }} {{ tenant }} {{ features }} {{ locales }}").render(values)
    )
    assert "Aurora" in shown
    assert "BOREAL" not in shown and str(ROOT) not in shown


def test_no_theme_sees_what_another_has_compiled(app: Flask) -> None:
    themes: Themes = app.extensions["copydesk_themes"]
    environments = [themes.environment(name) for name in ("core", "aurora", "obsidian")]
    caches = [environment.cache for environment in environments]
    assert len({id(cache) for cache in caches}) == len({id(one) for one in environments}) == 3
    assert all(environment.bytecode_cache is None for environment in environments)


def test_what_is_put_into_a_text_is_escaped_and_two_percent_signs_are_one(app: Flask, values: dict[str, Any]) -> None:
    themes: Themes = app.extensions["copydesk_themes"]
    source = "{{ _('%(who)s has 5 %%.', who=name) }}{% for one in [name] %}{{ _('5 %%.') }}{% endfor %}"
    shown = themes.environment("aurora").from_string(source).render({**values, "name": "<b>"})
    assert shown == "&lt;b&gt; has 5 %.5 %."


def test_a_macro_takes_names_a_block_and_what_stands_around_it(app: Flask, values: dict[str, Any]) -> None:
    themes: Themes = app.extensions["copydesk_themes"]
    source = (
        "{% macro box(one, two='2') %}{{ one }}{{ two }}{{ caller() if caller is defined }}{% endmacro %}"
        "{% for three in ['<3>'] %}{{ box(one=three) }}{% call box('1', two='0') %}{{ three }}{% endcall %}{% endfor %}"
    )
    assert themes.environment("aurora").from_string(source).render(values) == "&lt;3&gt;210&lt;3&gt;"
