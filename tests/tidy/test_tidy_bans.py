"""What may not be in this project, wherever it would hide."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter

from project import PACKAGE, ROOT, files, imports, module_name, modules, named, tree

BANNED_NAMES = {"utils", "helpers", "common", "base", "manager"}
# The fully spelled host of a package registry or of a delivery network for scripts and fonts.
HOSTS = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs|npmjs\.org|deb\.debian\.org|unpkg\.com|jsdelivr|cdnjs|googleapis\.com"
)
EXACT = re.compile(
    r"copydesk\.(trading|replication\.(sizing|plan|reconcile\w*)|risk\.(rules|order_rules|equity_rules|limits|grammar))(\.|$)"
)
CCXT_MAY_BE_IN = ("copydesk.demo", "copydesk.bench", "copydesk.faults")


def test_no_module_has_a_name_that_says_nothing_or_shadows_the_standard_library() -> None:
    shadowing = BANNED_NAMES | {"types", "logging", "secrets"}
    assert shadowing - BANNED_NAMES <= sys.stdlib_module_names
    assert named([path for path in modules() if path.stem in shadowing]) == []


def test_platform_is_a_source_root_and_no_package() -> None:
    assert not (PACKAGE.parent / "__init__.py").exists()


def test_test_files_have_names_of_their_own() -> None:
    stems = Counter(path.stem for path in files(".py", under=ROOT / "tests") if path.stem != "conftest")
    assert [stem for stem, count in stems.items() if count > 1] == []


def test_no_template_marks_text_as_safe() -> None:
    unsafe = re.compile(r"\|\s*safe\b|autoescape\s+false|Markup\(")
    checked = [*files(".html", ".txt", ".xml", under=ROOT / "themes"), *files(".html", under=PACKAGE)]
    assert named([path for path in checked if unsafe.search(path.read_text())]) == []


def test_no_registry_or_delivery_network_is_named() -> None:
    checked = [path for path in files() if path.suffix not in {".gz", ".png", ".ico", ".woff2", ".webp", ".jpg"}]
    this = ROOT / "tests" / "tidy" / "test_tidy_bans.py"
    hits = [path for path in checked if path != this and HOSTS.search(path.read_text(errors="replace"))]
    assert named(hits) == []


def test_the_exact_core_makes_no_float() -> None:
    core = [path for path in modules() if EXACT.match(module_name(path))]
    assert core
    floats = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in core
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    ]
    assert floats == []


def test_only_stand_ins_for_outsiders_know_the_client_that_could_withdraw() -> None:
    knowing = [path for path in modules() if any(name.split(".")[0] == "ccxt" for name in imports(path))]
    assert [module_name(path) for path in knowing if not module_name(path).startswith(CCXT_MAY_BE_IN)] == []


def test_the_lab_and_the_adapters_do_not_know_each_other() -> None:
    lab = PACKAGE / "venues" / "lab"
    leaks = []
    for path in files(".py", under=PACKAGE / "venues"):
        ours = {name for name in imports(path) if name.startswith("copydesk.venues")}
        inside = path.is_relative_to(lab)
        # The lab tells clients its addresses; that is all they share.
        foreign = {
            name
            for name in ours
            if name.startswith("copydesk.venues.lab") != inside and not name.startswith("copydesk.venues.lab.urls")
        }
        leaks += [f"{module_name(path)} imports {name}" for name in sorted(foreign)]
    assert leaks == []


def test_only_the_composition_root_and_commands_read_the_environment() -> None:
    allowed = ("copydesk.bootstrap", "copydesk.cli")
    reading = [path for path in modules() if re.search(r"os\.(environ|getenv)\b", path.read_text())]
    assert [module_name(path) for path in reading if not module_name(path).startswith(allowed)] == []
