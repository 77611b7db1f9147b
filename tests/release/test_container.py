"""The image of deploy/Dockerfile: small, without root, and a desk that survives the replacement of its container."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.builders.processes import eventually
from tests.builders.release import containers
from tests.builders.release.containers import Container, Podman
from tests.builders.release.files import ROOT, of, run
from tests.patience import patient

pytestmark = [
    pytest.mark.skipif(bool(containers.missing()), reason=containers.missing() or "it can run"),
    pytest.mark.timeout(1_800),  # an image is made, of which the requirements are loaded and installed
]
IMAGE = "clearline:test"
MOST_BYTES = 250_000_000


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    with containers.podman() as podman:
        yield podman


@pytest.fixture(scope="module")
def context(dist: Path) -> Path:
    """Return the files of the release with the wheels of its requirements."""
    download = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q", "--require-hashes"]
    run(*download, "-r", of(dist, "-requirements.txt"), "-d", dist / "wheels", cwd=dist, seconds=180)
    return dist


@pytest.fixture(scope="module")
def base(podman: Podman) -> None:
    """Make the base image. Tests are skipped where its packages cannot be reached, or no container of it can run."""
    podman.make_base()
    tried = podman.tried("run", "--rm", "--network", "host", *containers.limits(), containers.BASE, "true")
    if tried.returncode:
        pytest.skip(f"this machine runs no containers: {tried.stderr.strip()}")


@pytest.fixture(scope="module")
def image(podman: Podman, base: None, context: Path) -> str:  # noqa: ARG001 - the image is made of it
    podman.build(ROOT / "deploy" / "Dockerfile", IMAGE, context)
    return IMAGE


# The next two take what the image is made of apart from it, so that no test lasts too long.
@pytest.mark.slow
def test_the_requirements_of_a_release_can_be_downloaded_as_wheels(context: Path) -> None:
    assert {path.suffix for path in (context / "wheels").iterdir()} == {".whl"}


@pytest.mark.slow
@pytest.mark.usefixtures("base")
def test_the_base_is_made_where_no_registry_is_reached(podman: Podman) -> None:
    assert podman.run("run", "--rm", "--network", "host", *containers.limits(), containers.BASE, "id", "-u") == "0"


@pytest.mark.slow
def test_the_image_is_small_and_runs_without_root(podman: Podman, image: str, wheel: Path) -> None:
    described = podman.inspect(image)
    assert described["Size"] < MOST_BYTES, described["Size"]
    assert (described["User"], described["Config"]["Entrypoint"]) == ("10001:10001", ["tini", "--", "clearline"])
    assert list(described["Config"]["Volumes"]) == ["/var/lib/clearline"]
    command = ["run", "--rm", "--network", "host", *containers.limits(), image, "--version"]
    assert podman.run(*command) == f"clearline, version {wheel.name.split('-')[1]}"
    kinds = ["(", "-perm", "/6000", "-o", "-perm", "-0002", "-o", "-user", "10001", ")"]
    find = ["--user", "0", "--entrypoint", "find", image, "/", "-xdev", "-type", "f", *kinds]
    assert podman.run("run", "--rm", "--network", "host", *containers.limits(), *find) == ""


@pytest.mark.slow
def test_a_desk_is_healthy_with_a_read_only_root_and_its_data_outlives_the_container(
    podman: Podman, image: str
) -> None:
    container = Container(podman, image, "desk")
    assert eventually(container.healthy, 90), container.logs()
    refused = container.execute("touch", "/opt/clearline/written")
    assert (refused.returncode, "Read-only file system" in refused.stderr) == (1, True)
    assert container.execute("id", "-u").stdout.strip() == "10001"
    added = container.execute("clearline", "agent", "add", "Ida Moss", "--email", "ida@example.net", "--role", "admin")
    assert added.returncode == 0, added.stderr
    with httpx.Client(base_url=container.url, timeout=patient(10)) as client:
        page = client.get("/sign-in")
        assert page.status_code == 200
    assert container.replace() == 0

    after = Container(podman, image, "desk")
    assert eventually(after.healthy, 60), after.logs()
    listed = after.execute("clearline", "agent", "list")
    assert "ida@example.net" in listed.stdout, listed.stderr
    assert re.search(r"^migrations +ok ", after.execute("clearline", "doctor").stdout, re.MULTILINE)
    assert after.replace() == 0
