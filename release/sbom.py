"""The software bill of materials of a release, in CycloneDX: what is installed beside the wheel, and what is in it.

Python's packages come from the lock, by cyclonedx-bom; the npm packages whose content is in the pages from npm's lock.
"""

import json
import os
import subprocess
import sys
import tomllib
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = Path("requirements/run.txt")
NPM = Path("frontend")


def document(version: str) -> str:
    """Return the bill of a version as JSON. It depends on the commit only: the environment has its time."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bom = Bom.from_json(json.loads(_python_packages()))  # type: ignore[attr-defined]  # a decorator adds it
    product = Component(
        type=ComponentType.APPLICATION,
        name=project["name"],
        version=version,
        description=project["description"],
        licenses=[LicenseFactory().make_from_string(project["license"])],
        purl=PackageURL("pypi", None, project["name"], version),
        bom_ref="clearline",
    )
    direct = {canonicalize_name(Requirement(name).name) for name in project["dependencies"]}
    packed = list(_npm_packages())
    bom.components.update(packed)
    bom.metadata.component = product
    bom.metadata.timestamp = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    bom.serial_number = uuid5(NAMESPACE_URL, str(product.purl))
    bom.register_dependency(product, [part for part in bom.components if part in packed or part.name in direct])
    return str(JsonV1Dot6(bom).output_as_string(indent=2)) + "\n"


def _python_packages() -> str:
    """Return the packages of the lock, as cyclonedx-bom describes them."""
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", "--output-reproducible", str(LOCK)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _npm_packages() -> Iterator[Component]:
    """Yield the npm packages whose content is in the pages. The others only build and test."""
    packages = json.loads((ROOT / NPM / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for path, package in packages.items():
        if path and not package.get("dev"):
            name = path.rpartition("node_modules/")[2]
            group, _, plain = name.rpartition("/")
            algorithm, _, digest = package["integrity"].partition("-")
            yield Component(
                type=ComponentType.LIBRARY,
                group=group or None,
                name=plain,
                version=package["version"],
                licenses=[LicenseFactory().make_from_string(package["license"])],
                hashes=[HashType(alg=_HASHES[algorithm], content=b64decode(digest).hex())],
                purl=PackageURL("npm", group or None, plain, package["version"]),
                bom_ref=f"npm-{name}",
            )


_HASHES = {"sha512": HashAlgorithm.SHA_512, "sha256": HashAlgorithm.SHA_256}
