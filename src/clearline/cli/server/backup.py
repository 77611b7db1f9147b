"""The commands that make, verify and restore backups."""

import asyncio
from pathlib import Path
from typing import NoReturn

import click

from clearline.backup import restore_usecases, usecases, verify_usecases
from clearline.backup.domain import BackupFaulty, Manifest
from clearline.backup.restore_usecases import Restored
from clearline.cli.context import current_settings, database_url
from clearline.cli.exit_status import FAULT_FOUND
from clearline.cli.output import json_option, print_json, print_table
from clearline.cli.terminal.text import echo
from clearline.clock import now

_DIR = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("directory", metavar="DIR", type=_DIR)
@click.option(
    "--keep",
    type=click.IntRange(1),
    metavar="N",
    help="Delete all but the newest N backups in DIR, once the new one is whole. Without it none is deleted.",
)
@json_option
def backup(*, directory: Path, keep: int | None, as_json: bool) -> None:
    """Back up the database and the attachments into a new folder in DIR, while the server runs.

    The folder is named by the time in UTC. It has a dump, the attachments and a manifest. Attachments that the newest
    backup in DIR has are linked and take no room; those in S3 stay there. Run it as the account of the server.
    """
    settings = current_settings()
    with database_url(settings) as (url, _is_own):
        made = asyncio.run(usecases.back_up(settings, url, directory, keep=keep, now=now()))
    attachments = len(made.manifest.files) - 1
    if not made.is_noted:
        echo("The time of this backup is not in the database, so that metrics do not tell it.", err=True)
    if as_json:
        print_json(
            {
                "backup": str(made.folder), **_facts(made.manifest), "copied": made.copied, "deleted": made.deleted,
                "seconds": round(made.seconds, 1),
            }
        )  # fmt: skip
        return
    echo(
        f"Backed up to {made.folder} in {made.seconds:.1f} s: {sum(made.manifest.counts.values())} rows, "
        f"{attachments} attachments, {made.copied} of them copied."
    )
    if made.manifest.s3:
        echo(f"The attachments stay in {made.manifest.s3}: the backup does not have them.")
    _warn_of_missing(made.manifest.missing)
    for name in made.deleted:
        echo(f"Deleted {name}.")


@click.command("verify-backup")
@click.argument("directory", metavar="DIR", type=_DIR)
@json_option
def verify_backup(*, directory: Path, as_json: bool) -> None:
    """Verify a backup: its manifest, the checksum of every file, and that the dump can be read.

    DIR is a backup, or a directory of backups, of which the newest is taken. Nothing is changed. The exit status is 3
    when the backup is not whole.
    """
    try:
        verified = asyncio.run(verify_usecases.verify(current_settings(), directory))
    except BackupFaulty as error:
        _fail(error, as_json=as_json)
    if as_json:
        print_json({"ok": True, "faults": [], "backup": str(verified.folder), **_facts(verified.manifest)})
    else:
        echo(f"{verified.folder} is whole: {len(verified.manifest.files) - 1} attachments, and the dump.")
        _warn_of_missing(verified.manifest.missing)


@click.command()
@click.argument("directory", metavar="DIR", type=_DIR)
@click.option("--drill", is_flag=True, help="Restore into a scratch directory instead, check it there, and delete it.")
@json_option
def restore(*, directory: Path, drill: bool, as_json: bool) -> None:
    """Restore a backup into an empty database or data directory.

    DIR is a backup, or a directory of backups, of which the newest is taken. It is verified first, and its counts are
    compared after loading; then the desk is migrated, prepared as at a first start, and checked. No server may run, and
    nothing is sent. A drill uses a PostgreSQL of its own in the directory for temporary files (TMPDIR). The exit status
    is 3 when the backup is not whole or a check fails.
    """
    work = restore_usecases.drill if drill else restore_usecases.restore
    try:
        restored = asyncio.run(work(current_settings(), directory))
    except BackupFaulty as error:
        _fail(error, as_json=as_json)
    is_right = all(check.ok for check in restored.checks)
    if as_json:
        print_json(
            {
                "ok": is_right, "backup": str(restored.folder), **_facts(restored.manifest), "checks": restored.checks,
                "seconds": round(restored.seconds, 1),
            }
        )  # fmt: skip
    else:
        _print_restored(restored, drill=drill)
    if not is_right:
        click.get_current_context().exit(FAULT_FOUND)


def _print_restored(restored: Restored, *, drill: bool) -> None:
    counts = restored.manifest.counts
    print_table(("TABLE", "ROWS"), [(name, count) for name, count in counts.items() if count])
    print_table(("CHECK", "", "DETAIL"), [(check.name, check.word, check.detail) for check in restored.checks])
    what = "Restored in a drill, and deleted again" if drill else "Restored"
    echo(
        f"{what}: {restored.folder} in {restored.seconds:.1f} s. {sum(counts.values())} rows as the manifest says, "
        f"{len(restored.manifest.files) - 1} attachments."
    )
    _warn_of_missing(restored.missing)


def _facts(manifest: Manifest) -> dict[str, object]:
    return {
        "clearline": manifest.clearline,
        "created_at": manifest.created_at,
        "migration": manifest.migration,
        "postgresql": manifest.postgresql,
        "counts": manifest.counts,
        "attachments": len(manifest.files) - 1,
        "s3": manifest.s3,
        "missing": manifest.missing,
    }


def _warn_of_missing(missing: list[str]) -> None:
    if missing:
        echo(f"{len(missing)} attachments were missing in the store, the first of them {missing[0]}.", err=True)


def _fail(error: BackupFaulty, *, as_json: bool) -> NoReturn:
    if as_json:
        print_json({"ok": False, "faults": error.faults})
    else:
        for fault in error.faults:
            echo(f"WRONG: {fault}", err=True)
    click.get_current_context().exit(FAULT_FOUND)
    raise AssertionError
