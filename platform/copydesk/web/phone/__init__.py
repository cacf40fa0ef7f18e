"""The site as an app on a phone: the service worker, and the page that it shows without a connection.

What the worker keeps of somebody's pages is shown to nobody else: every page of a signed-in person carries the tag of
their session, and pages of another tag are thrown away.
"""

from copydesk.web.phone.blueprint import phone
from copydesk.web.phone.kept import init_kept_pages

__all__ = ["init_kept_pages", "phone"]
