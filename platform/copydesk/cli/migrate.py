"""`copydesk migrate`: bring the database to the newest revision."""

from __future__ import annotations

import os

import click

from copydesk.db.migrate import migrate
from copydesk.kernel import ConfigError


@click.command("migrate")
def command() -> None:
    """Migrate the database that DATABASE_OWNER_URL names, as the owner of its schema.

    \b
    Example:
      DATABASE_OWNER_URL=postgresql://owner@db/copydesk copydesk migrate
    """
    url = os.environ.get("DATABASE_OWNER_URL")
    if not url:
        raise ConfigError("the environment variable DATABASE_OWNER_URL is not set; it names the schema's owner")
    click.echo(f"database is at revision {migrate(url)}", err=True)
