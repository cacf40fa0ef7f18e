"""The pages without the frame around them, which every one has and which costs most of it."""

from __future__ import annotations

import shutil
from pathlib import Path

_LAYOUT = "{% block title %}{% endblock %}{% block main %}{% endblock %}<form>{{ csrf_field() }}</form>"
_NEEDED = (Path("core", "static", "css", "base.css"), Path("core", "static", "js", "worker.js"))


def bare_themes(themes_dir: Path, folder: Path) -> Path:
    """Copy the templates of all themes into a folder, with a layout that is hardly any."""
    for theme in sorted(themes_dir.iterdir()):
        shutil.copytree(theme / "templates", folder / theme.name / "templates")
    (folder / "core" / "templates" / "layout.html").write_text(_LAYOUT)
    for needed in _NEEDED:
        (folder / needed).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(themes_dir / needed, folder / needed)
    return folder
