"""The files of deploy/ are ones that systemd, compose and Caddy accept, and name settings that exist."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from clearline.settings.docs import documented
from tests.builders.release.files import ROOT

DEPLOY = ROOT / "deploy"
GUIDE = ROOT / "docs" / "how-to" / "run-in-containers.md"
SYSTEMD = shutil.which("systemd-analyze")
CADDY = shutil.which("caddy")


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


@pytest.mark.skipif(SYSTEMD is None, reason="systemd is not installed")
@pytest.mark.parametrize("unit", sorted(path.name for path in DEPLOY.glob("*.service")))
def test_systemd_accepts_the_units(unit: str, tmp_path: Path) -> None:
    assert SYSTEMD is not None
    text = re.sub(r"(?<==)/opt/clearline/\S+", "/bin/true", (DEPLOY / unit).read_text())
    (tmp_path / unit).write_text(text)
    checked = subprocess.run([SYSTEMD, "verify", tmp_path / unit], capture_output=True, text=True, check=False)
    about_it = [line for line in checked.stderr.splitlines() if unit in line and "User=" not in line]
    assert about_it == []


def test_compose_sets_settings_that_exist() -> None:
    known = {setting.variable for setting in documented()} | {"FORWARDED_ALLOW_IPS"}
    assert compose()["services"]["desk"]["environment"].keys() <= known


def test_the_guide_names_every_variable_that_compose_needs() -> None:
    needed = set(re.findall(r"\$\{(\w+)(?::\?|\})", (DEPLOY / "compose.yaml").read_text()))
    assert needed == set(re.findall(r"^([A-Z_]+)=", GUIDE.read_text(), re.MULTILINE))


def test_compose_uses_what_it_defines_and_publishes_the_proxy_alone() -> None:
    document = compose()
    services = document["services"]
    volumes = [volume.partition(":")[0] for service in services.values() for volume in service["volumes"]]
    assert {name for name in volumes if not name.startswith(".")} == set(document["volumes"])
    assert {network for service in services.values() for network in service["networks"]} == set(document["networks"])
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert (services["desk"]["read_only"], services["desk"]["cap_drop"]) == (True, ["ALL"])
    assert "reverse_proxy desk:8080" in (DEPLOY / "Caddyfile").read_text()


@pytest.mark.skipif(CADDY is None, reason="caddy is not installed")
def test_caddy_accepts_its_file(tmp_path: Path) -> None:
    assert CADDY is not None
    checked = subprocess.run(
        [CADDY, "validate", "--config", DEPLOY / "Caddyfile", "--adapter", "caddyfile"],
        env={"DESK_HOST": "desk.example.net", "HOME": str(tmp_path), "PATH": "/usr/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


def test_nothing_of_a_release_names_the_host_of_a_registry_or_an_index() -> None:
    files = "".join(path.read_text() for path in (DEPLOY / "Dockerfile", DEPLOY / "compose.yaml"))
    names = set(re.findall(r"^(?:FROM|\s+image:) +([^\s$]+)", files, re.MULTILINE))
    assert names == {"caddy:2", "clearline:", "debian:12-slim", "postgres:17", "scratch"}
