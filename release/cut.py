"""Cut a release, as ``make release VERSION=1.2.3`` does: date the changes in CHANGELOG.md, commit that, and tag it.

A candidate, such as 1.2.3rc1, is tagged only: its changes stay unreleased until the release.
"""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHANGELOG = ROOT / "CHANGELOG.md"
UNRELEASED = "## Unreleased\n"
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:rc([1-9]\d*))?")


def main() -> int:
    """Check everything first, so that a refusal leaves nothing behind; then write, commit and tag."""
    [_, version] = sys.argv
    if _order(version) is None:
        sys.exit(f"Give a version like 1.2.3 or 1.2.3rc1, not {version!r}.")
    if changed := _git("status", "--porcelain"):
        sys.exit(f"Commit these changes first:\n{changed}")
    if earlier := [tag for tag in _released() if (_order(tag) or ()) >= (_order(version) or ())]:
        sys.exit(f"{version} must be above {earlier[-1]}, which is released.")
    changes = cut(CHANGELOG.read_text(encoding="utf-8"), version, f"{datetime.now(UTC):%Y-%m-%d}")
    if "rc" not in version:
        CHANGELOG.write_text(changes, encoding="utf-8")
        _git("commit", "-q", "-m", f"release: Clearline {version}.", "--", CHANGELOG.name)
    _git("tag", "-a", f"v{version}", "-m", f"Clearline {version}")
    print(f"Tagged v{version}. Next: make dist, then git push origin HEAD v{version}.")
    return 0


def cut(text: str, version: str, day: str) -> str:
    """Return the changelog with what was unreleased under a version and its day, and with an empty section above it."""
    before, heading, after = text.partition(UNRELEASED)
    changes = re.split(r"^(?=## )", after, maxsplit=1, flags=re.MULTILINE)[0]
    if not heading or not changes.strip():
        sys.exit(f"{CHANGELOG.name} has no changes under {UNRELEASED.strip()!r}.")
    return f"{before}{UNRELEASED}\n## {version} ({day})\n{after}"


def _released() -> list[str]:
    """Return the versions that have a tag, the highest last."""
    versions = [tag.removeprefix("v") for tag in _git("tag", "--list", "v*").splitlines()]
    return sorted((version for version in versions if _order(version)), key=lambda version: _order(version) or ())


def _order(version: str) -> tuple[float, ...] | None:
    """Return what versions are ordered by, or None when it is none. A candidate comes before its release."""
    match = _VERSION.fullmatch(version)
    return None if match is None else tuple(float(number or "inf") for number in match.groups())


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
