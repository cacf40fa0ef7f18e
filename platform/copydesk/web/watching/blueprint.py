"""The blueprint that the pages of watching join."""

from __future__ import annotations

from flask import Blueprint

watching = Blueprint("watching", __name__)

HOME = "/watching"
