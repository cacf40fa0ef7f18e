"""What translators and `scripts/check` do with the catalogs: collect the texts, look for gaps, begin a language.

    python -m copydesk.web.catalog_work check      every gap with its language; exit code 1 if there is one
    python -m copydesk.web.catalog_work update     collect the texts anew into messages.pot and every messages.po
    python -m copydesk.web.catalog_work add pt_BR  begin a language: all texts, none translated

Works on a source tree; an installed package has nothing to collect from.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.core import UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from copydesk.bootstrap import declared_settings
from copydesk.web.catalogs import SOURCE, TRANSLATIONS
from copydesk.web.panel.sections import hint_texts

ROOT = Path(__file__).parents[3]
TEMPLATE = TRANSLATIONS / "messages.pot"
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None}
# What python files are read with, and templates; the second as the themes' environments read them.
_METHODS = {".py": ("python", {}), ".html": ("jinja2", {"trimmed": "true", "newstyle_gettext": "true"})}
_MARK = b"gettext"  # A Python file without it says nothing to anybody.
_HOLE = re.compile(r"%\((\w+)\)[sd]|%%")
_NUMBER = "num"
_HEAD = """\
# Texts of the web layer and the themes.
msgid ""
msgstr ""
"Project-Id-Version: copydesk 1\\n"
"Report-Msgid-Bugs-To: copydesk\\n"
"Last-Translator: copydesk\\n"
"Language: {tag}\\n"
"Language-Team: {tag}\\n"
"Plural-Forms: {plural}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""

Text = str | tuple[str, ...]


def texts_in_use(root: Path = ROOT) -> set[Text]:
    """Collect every text that the code and the themes give to gettext; a counted one as singular and plural."""
    found: set[Text] = set()
    for file in _sources(root):
        method, options = _METHODS[file.suffix]
        data = file.read_bytes()
        if file.suffix == ".py" and _MARK not in data:
            continue
        for _line, message, _comments, _context in extract(method, BytesIO(data), _KEYWORDS, (), options):
            found.add(message if isinstance(message, str) else tuple(message))
    return found | _hints() if root == ROOT else found


def gaps(root: Path = ROOT, translations: Path = TRANSLATIONS) -> list[str]:
    """Return a sentence for every text that some language lacks or says wrongly, and for every one left over."""
    used = texts_in_use(root)
    return [
        *_template_gaps(used, _read(translations / TEMPLATE.name)),
        *(
            f"{file.parent.parent.name}: {gap}"
            for file in sorted(translations.glob("*/LC_MESSAGES/messages.po"))
            for gap in _catalog_gaps(used, _read(file, file.parent.parent.name))
        ),
    ]


def update(root: Path = ROOT, translations: Path = TRANSLATIONS) -> None:
    """Write the texts in use into the template and every catalog; what was translated stays, the rest goes."""
    used = texts_in_use(root)
    _write(translations / TEMPLATE.name, used, None)
    for file in translations.glob("*/LC_MESSAGES/messages.po"):
        _write(file, used, file.parent.parent.name)


def begin(tag: str, root: Path = ROOT, translations: Path = TRANSLATIONS) -> Path:
    """Write a catalog without translations for a locale; returns the file. Refuses one that exists."""
    file = translations / tag / "LC_MESSAGES" / "messages.po"
    if file.exists() or tag == SOURCE:
        raise ValueError(f"there is a catalog for {tag} already")
    plural = Catalog(locale=Locale.parse(tag)).plural_forms
    file.parent.mkdir(parents=True)
    file.write_text(_HEAD.format(tag=tag, plural=plural), encoding="utf-8")
    _write(file, texts_in_use(root), tag)
    return file


def _hints() -> set[Text]:
    """Collect what settings say of themselves in the config panel; their declarations call no gettext."""
    declared_settings()
    return set(hint_texts())


def _sources(root: Path) -> Iterator[Path]:
    yield from sorted((root / "platform" / "copydesk").rglob("*.py"))
    yield from sorted((root / "themes").glob("*/templates/**/*.html"))


def _read(file: Path, tag: str | None = None) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened, locale=tag)


def _template_gaps(used: set[Text], template: Catalog) -> list[str]:
    known = {_text(message.id) for message in template if message.id}
    return [
        *(f"messages.pot is older than the code: it lacks {text!r}" for text in sorted(used - known, key=str)),
        *(f"messages.pot is older than the code: nothing says {text!r}" for text in sorted(known - used, key=str)),
    ]


def _catalog_gaps(used: set[Text], catalog: Catalog) -> Iterator[str]:
    for text in sorted(used, key=str):
        message = catalog.get(text if isinstance(text, str) else text[0])
        if message is None or _text(message.id) != text:
            yield f"{text!r} is missing"
            continue
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        count = 1 if isinstance(text, str) else catalog.num_plurals
        if len(forms) != count or not all(forms):
            yield f"{text!r} is not translated"
        elif message.fuzzy:
            yield f"{text!r} is fuzzy"
        elif wrong := next((form for form in forms if not _fits(text, form)), None):
            yield f"{text!r} has other placeholders than its translation {wrong!r}"
    yield from (f"nothing says {m.id!r} any more" for m in catalog if m.id and _text(m.id) not in used)


def _fits(text: Text, form: str) -> bool:
    """Tell whether a translation fills in the same; a counted one may say its number in words."""
    meant = _holes(text if isinstance(text, str) else text[-1])
    spared = {_NUMBER} if isinstance(text, tuple) else set()
    return meant - spared <= _holes(form) <= meant and "%" not in _HOLE.sub("", form)


def _holes(text: str) -> set[str]:
    return {found.group(1) or "%" for found in _HOLE.finditer(text)}


def _text(msgid: str | Sequence[str]) -> Text:
    return msgid if isinstance(msgid, str) else tuple(msgid)


def _write(file: Path, used: set[Text], tag: str | None) -> None:
    """Write the texts under the file's own head, sorted, each with what it was translated with before."""
    head = file.read_text(encoding="utf-8").split("\n\n", 1)[0].rstrip("\n")
    old, new = _read(file, tag), Catalog(locale=tag)
    if tag:
        new.mime_headers = [("Plural-Forms", old.plural_forms)]  # The file's own: Babel counts Turkish otherwise.
    for text in used:
        before = old.get(text if isinstance(text, str) else text[0])
        known = before is not None and _text(before.id) == text and not before.fuzzy
        empty = "" if isinstance(text, str) else ("",) * (new.num_plurals if tag else 2)
        new.add(text, before.string if known and before is not None else empty)
    body = BytesIO()
    write_po(body, new, width=0, sort_output=True, no_location=True, omit_header=True)
    file.write_text(f"{head}\n\n{body.getvalue().decode()}", encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Do what the first word says; 1 where there are gaps or the words are not understood."""
    match list(arguments):
        case ["check"]:
            found = gaps()
            sys.stderr.writelines(f"{gap}\n" for gap in found)
            return 1 if found else 0
        case ["update"]:
            update()
            return 0
        case ["add", tag]:
            try:
                sys.stdout.write(f"{begin(tag)}\n")
            except (UnknownLocaleError, ValueError) as error:
                sys.stderr.write(f"{tag}: {error}\n")
                return 1
            return 0
    sys.stderr.write(f"{__doc__}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
