"""Says notices for who sends them: the sites' own words, in the reader's language, outside any request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flask import Flask

from copydesk.notices import Notice, Words
from copydesk.web.notice_words import say
from copydesk.web.voice import BrandVoice


class SiteWordsmith:
    """The `notices.Wordsmith` of an application; works in any thread."""

    def __init__(self, app: Flask, brands: Callable[[], Mapping[str, int]], site_url: Callable[[str], str]) -> None:
        self._voice = BrandVoice(app, brands, site_url)

    def say(self, tenant_id: int, locale: str, notices: Sequence[Notice]) -> list[Words]:
        """Return the words of each notice; raises `ConfigError` while the brand cannot be read."""
        with self._voice.speaking(self._voice.tenant(tenant_id), locale) as origin:
            return [say(notice, origin) for notice in notices]
