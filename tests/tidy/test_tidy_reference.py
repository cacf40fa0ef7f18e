"""The pages under platform/docs say what the code says."""

from __future__ import annotations

import re

from copydesk.bootstrap import declared_settings
from copydesk.cli import COMMANDS
from copydesk.cli.config import settings_reference
from copydesk.trading import Denial
from project import ROOT, files, named

DOCS = ROOT / "platform" / "docs"
LINE_LENGTH_MAX = 120
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
NAMED_IN_CODE = re.compile(r"platform/docs/[\w./-]+\.md")
COMMAND = re.compile(r"(?:^|`)copydesk ([a-z]+)\b", re.MULTILINE)


def pages():
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *files(".md", under=DOCS)]


def test_the_settings_page_is_what_the_declarations_make() -> None:
    page = (DOCS / "settings.md").read_text()
    assert page == settings_reference(declared_settings()), "run: copydesk config reference > platform/docs/settings.md"


def test_every_denial_is_explained() -> None:
    pages = "".join(page.read_text() for page in sorted((DOCS / "algorithms").glob("*.md")))
    assert [denial for denial in Denial if f"`{denial}`" not in pages] == []


def test_no_line_of_a_page_is_longer_than_its_limit() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in pages()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > LINE_LENGTH_MAX
    ]
    assert long == []


def test_every_link_between_pages_leads_somewhere() -> None:
    missing = [
        f"{path.relative_to(ROOT)} → {target}"
        for path in pages()
        for target in LINK.findall(path.read_text())
        # The picture of the desk is taken from the running demo.
        if not (path.parent / target).exists()
    ]
    assert missing == []


def test_every_command_that_a_page_names_exists() -> None:
    unknown = {name for path in pages() for name in COMMAND.findall(path.read_text()) if name not in COMMANDS}
    assert unknown == set()


def test_every_page_can_be_reached_from_the_index() -> None:
    index = (DOCS / "index.md").read_text()
    lost = [path for path in files(".md", under=DOCS) if path.relative_to(DOCS).as_posix() not in index]
    assert named([path for path in lost if path.name != "index.md"]) == []


def test_every_page_that_the_code_names_exists() -> None:
    sources = [*files(".py", under=ROOT / "platform" / "copydesk"), *files(".yaml", under=ROOT / "config")]
    wanted = {name for path in sources for name in NAMED_IN_CODE.findall(path.read_text())}
    assert sorted(name for name in wanted if not (ROOT / name).is_file()) == []
