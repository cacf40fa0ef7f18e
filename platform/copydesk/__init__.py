"""copydesk: a white-label copy-trading platform.

Packages import downward only; `setup.cfg` holds the contract and `platform/docs/glossary.md` the words.
"""

__version__ = "0.1.0"
