"""Build the files of a release into ``dist``: ``make dist``.

The same commit gives the same bytes, in every folder and at every time: what is packed has the commit's time.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import sbom

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"


def main() -> int:
    """Build the wheel and the sdist; add the pinned requirements, the constraints, the SBOM and the checksums."""
    if changed := _git("status", "--porcelain"):
        sys.exit(f"Commit these changes first: a release is built of a commit.\n{changed}")
    os.environ["SOURCE_DATE_EPOCH"] = _git("log", "-1", "--format=%ct")
    shutil.rmtree(DIST, ignore_errors=True)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", str(DIST)]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    [wheel] = DIST.glob("*.whl")
    name, version = wheel.name.split("-")[:2]
    lock = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    (DIST / f"{name}-{version}-requirements.txt").write_text(lock, encoding="utf-8")
    # For pipx: with hashes pip would demand one of the wheel, too.
    pins = re.findall(r"^\S+==[^\\\n]+", lock, re.MULTILINE)
    (DIST / f"{name}-{version}-constraints.txt").write_text(
        "".join(f"{pin.strip()}\n" for pin in pins), encoding="utf-8"
    )
    (DIST / f"{name}-{version}.cdx.json").write_text(sbom.document(version), encoding="utf-8")
    files = sorted(DIST.iterdir())
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (DIST / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    for line in sums:
        print(line, end="")
    return 0


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
