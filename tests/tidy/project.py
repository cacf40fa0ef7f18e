"""Where the project's files lie, for the tests that hold them to the rules of style."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "platform" / "copydesk"
_SKIPPED = re.compile(r"\.git|\.venv|var|node_modules|vendor|__pycache__|htmlcov|\.hypothesis|.*_cache|.*\.egg-info")


def files(*suffixes: str, under: Path = ROOT) -> list[Path]:
    """List our own files with one of these suffixes; all where none is named."""
    return sorted(path for path in _walk(under) if not suffixes or path.suffix in suffixes)


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and not _SKIPPED.fullmatch(path.name):
            yield from _walk(path)
        elif path.is_file():
            yield path


def modules() -> list[Path]:
    return files(".py", under=PACKAGE)


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> set[str]:
    """Name every module that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def normal(name: str) -> str:
    """Write a distribution's name in its normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def dependencies() -> list[str]:
    """Name every distribution that setup.cfg asks for, extras included."""
    config = setup()
    blocks = [config["options"]["install_requires"], *config["options.extras_require"].values()]
    lines = [line.strip() for block in blocks for line in block.splitlines() if line.strip()]
    return sorted({normal(re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0]) for line in lines})


def named(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]
