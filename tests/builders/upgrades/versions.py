"""Other versions of the tested code: a copy with more migrations, and pages with another style sheet."""

import json
import shutil
from pathlib import Path

import clearline
from clearline.platform.database.migrate import Migration


def version(folder: Path, *migrations: Migration) -> Path:
    """Make a newer version in a folder, for ``PYTHONPATH``."""
    package = folder / "clearline"
    shutil.copytree(Path(clearline.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for migration in migrations:
        file = package / "platform" / "database" / "migrations" / f"{migration.label}.sql"
        file.write_text(migration.sql)
    _rename_style_sheet(package / "web" / "built", folder.name)
    return folder


def _rename_style_sheet(built: Path, name: str) -> None:
    manifest = json.loads((built / "manifest.json").read_text())
    old, new = manifest["portal.css"], f"portal.{name.upper()}.css"
    for suffix in ("", ".br", ".gz"):
        (built / f"{old}{suffix}").rename(built / f"{new}{suffix}")
    (built / "manifest.json").write_text(json.dumps(manifest | {"portal.css": new}))
