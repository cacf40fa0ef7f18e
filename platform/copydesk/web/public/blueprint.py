"""The blueprint that every public view joins."""

from __future__ import annotations

from flask import Blueprint

public = Blueprint("public", __name__)
