"""`copydesk tenant`: everything a reseller does with a brand, from the first command to its last.

The group knows its commands by the table below and imports the one that is called.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import NamedTuple

import click


class Entry(NamedTuple):
    """One command: the module of `copydesk.cli` and its attribute, and what the list of commands says of it."""

    place: str
    said: str


COMMANDS = {
    "new": Entry("tenant_new:command", "Make a brand: folder, checked file, served site."),
    "check": Entry("tenant_check:command", "Find everything that is wrong with a brand's file."),
    "doctor": Entry("tenant_doctor:command", "Try everything a brand needs, live."),
    "list": Entry("tenant_list:command", "List the brands of the installation."),
    "show": Entry("tenant_show:command", "Show one brand, with what its panel has set."),
    "diff": Entry("tenant_diff:command", "Compare what the panel has set with the file."),
    "adopt": Entry("tenant_adopt:command", "Write what the panel has set into the file."),
    "apply": Entry("tenant_apply:command", "Set values, or take a changed file into service."),
    "migrate": Entry("tenant_migrate:command", "Rewrite a file of an older schema."),
    "suspend": Entry("tenant_standing:suspend", "Pause a brand: nothing opens, visitors are told."),
    "resume": Entry("tenant_standing:resume", "Take a suspended brand back into service."),
    "admin": Entry("tenant_admin:command", "Invite who looks after a brand."),
    "secret": Entry("tenant_secret:command", "Store what a file refers to as `secret:<name>`."),
    "theme": Entry("tenant_theme:command", "See a brand in a theme and a color."),
    "export": Entry("tenant_parcel:export", "Put a whole brand into one encrypted archive."),
    "import": Entry("tenant_parcel:import_", "Bring a brand from an archive."),
    "bundle": Entry("tenant_bundle:command", "Write a deployment of its own for one brand."),
    "remove": Entry("tenant_remove:command", "Take a brand away, and keep an archive of it."),
}


class TenantGroup(click.Group):
    """List the commands from the table above, so that `--help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for name, entry in COMMANDS.items() if importlib.util.find_spec(_module(entry))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        entry = COMMANDS[cmd_name]
        found = getattr(importlib.import_module(_module(entry)), entry.place.partition(":")[2])
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].said) for name in self.list_commands(ctx)])


@click.group("tenant", cls=TenantGroup)
def command() -> None:
    """Make, check, change, move and end the brands of this installation.

    \b
    Examples:
      copydesk tenant new demo3 --host demo3.localhost --theme obsidian --locale es
      copydesk tenant check demo3
      copydesk tenant doctor demo3
    """


def _module(entry: Entry) -> str:
    return f"copydesk.cli.{entry.place.partition(':')[0]}"
