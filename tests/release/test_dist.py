"""make dist: the same bytes of the same commit, and a wheel that serves by itself, without the repository."""

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.builders.release.files import FRONTEND, ROOT, build, of, run
from tests.builders.server import Server
from tests.patience import patient


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.slow
def test_another_folder_umask_and_time_zone_give_the_same_bytes(place: Path, dist: Path) -> None:
    again = build(place / "another" / "deeper", 0o077, "Pacific/Auckland")
    assert (again / "SHA256SUMS").read_text() == (dist / "SHA256SUMS").read_text()
    lines = [line.split("  ") for line in (dist / "SHA256SUMS").read_text().splitlines()]
    sums = {name: checksum for checksum, name in lines}
    assert sums == {file.name: sha256(file) for file in again.iterdir() if file.name != "SHA256SUMS"}
    assert len(sums) == 5


def test_the_sdist_gives_the_same_wheel_without_git_and_node(dist: Path, wheel: Path, tmp_path: Path) -> None:
    run("tar", "-xf", of(dist, ".tar.gz"), cwd=tmp_path)
    [folder] = tmp_path.iterdir()
    built = tmp_path / "built"
    [moment] = {info.date_time for info in zipfile.ZipFile(wheel).infolist()}
    epoch = run("git", "log", "-1", "--format=%ct", cwd=ROOT).strip()
    run(
        sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", built,
        cwd=folder, SOURCE_DATE_EPOCH=epoch, PATH=str(tmp_path),
    )  # fmt: skip
    assert moment > (2026, 1, 1, 0, 0, 0)
    assert sha256(built / wheel.name) == sha256(wheel)


def test_the_wheel_has_no_file_that_is_not_in_the_repository_but_the_built_pages(dist: Path, wheel: Path) -> None:
    tracked = run("git", "ls-tree", "-r", "--name-only", "HEAD", "src/clearline", cwd=ROOT).splitlines()
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    pages = {name for name in packed if name.startswith("clearline/web/built/")}
    assert packed - pages == {name.removeprefix("src/") for name in tracked}
    built = dist.parent / "src" / "clearline" / "web" / "built"
    assert pages == {f"clearline/web/built/{file.name}" for file in built.iterdir()}
    assert "clearline/web/built/manifest.json" in pages


def test_no_wheel_is_built_without_the_pages(tmp_path: Path) -> None:
    run("git", "clone", "-q", ROOT, tmp_path / "clone", cwd=ROOT)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    refused = subprocess.run(command, cwd=tmp_path / "clone", capture_output=True, text=True, check=False)
    assert (refused.returncode, "run `make frontend`" in refused.stderr) == (1, True)


def test_a_release_is_built_of_a_commit(tmp_path: Path) -> None:
    run("git", "clone", "-q", ROOT, tmp_path / "clone", cwd=ROOT)
    (tmp_path / "clone" / "src" / "clearline" / "new.py").write_text("")
    command = [sys.executable, "release/dist.py"]
    refused = subprocess.run(command, cwd=tmp_path / "clone", capture_output=True, text=True, check=False)
    assert (refused.returncode, "?? src/clearline/new.py" in refused.stderr) == (1, True)


def test_the_sbom_has_every_package_of_the_lock_and_of_the_pages(dist: Path, wheel: Path) -> None:
    bill = json.loads(of(dist, ".cdx.json").read_text())
    lock = of(dist, "-requirements.txt").read_text()
    python = {f"pkg:pypi/{name}@{version}" for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", lock, re.MULTILINE)}
    npm = json.loads((ROOT / FRONTEND / "package.json").read_text())["dependencies"]
    pages = {f"pkg:npm/{name.replace('@', '%40')}@{version}" for name, version in npm.items()}
    version = wheel.name.split("-")[1]
    assert {part["purl"] for part in bill["components"]} == python | pages
    assert (bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]) == ("clearline", version)
    direct = {part["ref"]: part.get("dependsOn", []) for part in bill["dependencies"]}["clearline"]
    assert len(direct) == len(re.findall(r"\(pyproject\.toml\)", lock)) + len(pages)
    assert "hatchling" not in lock
    pins = re.findall(r"^([\w.-]+==[\w.]+)", of(dist, "-constraints.txt").read_text(), re.MULTILINE)
    assert pins == re.findall(r"^([\w.-]+==[\w.]+)", lock, re.MULTILINE)


@pytest.fixture(scope="module")
def installed(place: Path, dist: Path, wheel: Path) -> Path:
    """Return the folder of the programs of a new environment with the wheel, and with what its lock names."""
    environment = place / "environment"
    run(sys.executable, "-m", "venv", environment, cwd=place)
    python = environment / "bin" / "python"
    install: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    run(*install, "--require-hashes", "-r", of(dist, "-requirements.txt"), cwd=place, PYTHONPATH="")
    run(*install, "--no-deps", "--no-index", wheel, cwd=place, PYTHONPATH="")
    run(python, "-m", "pip", "check", cwd=place, PYTHONPATH="")
    constrained: list[str | Path] = ["--dry-run", "--no-index", "--constraint", of(dist, "-constraints.txt"), wheel]
    assert "Would install" not in run(*install[:-1], *constrained, cwd=place, PYTHONPATH="")  # what pipx does
    return environment / "bin"


@pytest.mark.slow
def test_the_installed_wheel_serves_without_the_repository(place: Path, installed: Path, wheel: Path) -> None:
    folder = place / "desk"
    folder.mkdir(mode=0o711)
    server = Server(folder)
    server.python = str(installed / "python")
    del server.environment["PYTHONPATH"]
    version = wheel.name.split("-")[1]
    try:
        server.start("--demo")
        shown = run(installed / "clearline", "--version", cwd=place, PYTHONPATH="")
        assert shown == f"clearline, version {version}\n"
        with httpx.Client(base_url=server.url, timeout=patient(10)) as client:
            check_pages(client)
            check_apis(client, server, version)
        assert re.search(r"migrations +ok +all are applied", server.command("doctor").stdout)
        modules = run(server.python, "-c", "import clearline; print(clearline.__file__)", cwd=place, PYTHONPATH="")
        assert Path(modules.strip()).is_relative_to(place / "environment")
    finally:
        server.discard()


def check_pages(client: httpx.Client) -> None:
    sign_in = client.get("/sign-in", headers={"Accept-Language": "de"})
    assert (sign_in.status_code, "Anmelden" in sign_in.text) == (200, True)
    pages = [client.get(path, headers={"Accept": "text/html"}) for path in ("/docs/api", "/docs/console-connect")]
    assert [page.status_code for page in pages] == [200, 200]
    assets = re.findall(r'(?:href|src)="(/static/[^"#]+)', "".join(page.text for page in [sign_in, *pages]))
    assert {Path(path).suffix for path in assets} >= {".css", ".js", ".svg"}
    assert {path: client.get(path).status_code for path in assets} == dict.fromkeys(assets, 200)


def check_apis(client: httpx.Client, server: Server, version: str) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert document["info"]["version"].partition("+")[2] == version.replace("+", ".")
    tickets = client.get("/api/v1/tickets", headers=server.headers()).json()["data"]
    assert tickets
    body = {
        "title": "Wheel",
        "description": "No light",
        "issue_type": "Circuit Down",
        "service": {"id": "NET-AMS-0012", "type": "Port"},
    }
    raised = client.post("/api/v1/tickets", headers=server.headers(), json=body)
    assert raised.status_code == 201, raised.text
