"""The pages of a person's exchange keys."""

from copydesk.web.keys import acts, entering, lists, progress
from copydesk.web.keys.blueprint import keys

__all__ = ["acts", "entering", "keys", "lists", "progress"]
