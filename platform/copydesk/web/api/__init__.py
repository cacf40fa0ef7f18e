"""The JSON API of a brand: read-only, `/api/v1/…`. What everybody may see is public; `/me/…` needs a session.

What there is stands in one table (`table`), of which the OpenAPI description and the docs' list are made; views read,
`shapes` puts values into JSON. Tokens for programs are not part of this version.
"""

from copydesk.web.api import own, strategies
from copydesk.web.api.blueprint import api, own_api

__all__ = ["api", "own", "own_api", "strategies"]
