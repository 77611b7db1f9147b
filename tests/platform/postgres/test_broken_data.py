"""A data directory that PostgreSQL refuses is an error that says why, within seconds; nothing is left running."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clearline.platform.postgres import embedded
from clearline.platform.postgres.programs import EmbeddedPostgresError
from clearline.platform.postgres.supervisor import waits_for_backends
from tests.builders.databases import reachable_dir
from tests.builders.processes import naming
from tests.patience import patient

BREAKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "too open": (lambda data: data.chmod(0o755), "has invalid permissions"),
    "without its control file": (lambda data: (data / "global" / "pg_control").unlink(), "could not find the database"),
    "with a setting that is none": (
        lambda data: (data / "postgresql.conf").write_text("no_such_setting = 1\n"),
        "unrecognized configuration parameter",
    ),
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with the data directory of a desk, ``whole``."""
    folder = reachable_dir("clearline-broken-")
    embedded.start(folder / "whole").stop()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(("break_it", "reason"), BREAKS.values(), ids=BREAKS)
def test_a_data_directory_that_cannot_be_served_is_an_error_within_seconds(
    folder: Path, break_it: Callable[[Path], object], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "GIVE_UP_SECONDS", 0.2)
    data_dir = folder / reason.replace(" ", "-")
    subprocess.run(["cp", "-a", folder / "whole", data_dir], check=True)  # noqa: S607
    break_it(data_dir / "postgresql")
    began = time.monotonic()
    with pytest.raises(EmbeddedPostgresError, match="PostgreSQL did not start") as failed:
        embedded.start(data_dir)
    assert time.monotonic() - began < patient(10)
    assert reason in str(failed.value)
    assert naming(data_dir) == []


def test_statements_of_a_killed_predecessor_are_waited_for(tmp_path: Path) -> None:
    output = tmp_path / "postgresql.out"
    output.write_text("FATAL:  pre-existing shared memory block (key 1234, ID 5) is still in use\n")
    assert waits_for_backends(output)
    output.write_text(output.read_text() * 9 + "FATAL:  data directory has wrong ownership\n" * 15)
    assert not waits_for_backends(output)
