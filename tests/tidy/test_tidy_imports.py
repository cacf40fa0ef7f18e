"""The import contracts of setup.cfg hold, and name every module that they should."""

from __future__ import annotations

import subprocess
import sys

from project import PACKAGE, ROOT, module_name, modules, setup

PURE_NAMES = {"model", "rules", "plan", "sizing", "stats", "reconcile"}
PURE_LAB = {"engine", "book", "accounts", "filters"}


def test_the_import_contracts_hold() -> None:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    checked = subprocess.run(
        [sys.executable, "-c", program, "--config", "setup.cfg", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_module_with_a_pure_name_is_under_the_purity_contract() -> None:
    listed = tuple(setup()["importlinter:contract:pure"]["source_modules"].split())
    lab = PACKAGE / "venues" / "lab"
    pure = {
        module_name(path)
        for path in modules()
        if path.stem in PURE_NAMES or (path.parent == lab and path.stem in PURE_LAB)
    }
    missing = sorted(name for name in pure if not name.startswith(listed))
    assert missing == []
