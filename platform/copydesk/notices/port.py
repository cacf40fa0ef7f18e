"""What notices need from outside: somebody who has words for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from copydesk.notices.model import Notice, Words


class Wordsmith(Protocol):
    """Say notices in a reader's language, as the brand's own; the sites do (`web.notice_words`).

    Made by `copydesk work default`, so it must work outside any request and in threads other than the one it was made
    in.
    """

    def say(self, tenant_id: int, locale: str, notices: Sequence[Notice]) -> list[Words]:
        """Return the words of each notice, in their order; a locale that the brand has not is the brand's own.

        Raises `ConfigError` while the brand cannot be read.
        """
        ...
