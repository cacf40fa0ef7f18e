"""The blueprint of a brand's legal texts."""

from __future__ import annotations

from flask import Blueprint

legal = Blueprint("legal", __name__, url_prefix="/legal")
