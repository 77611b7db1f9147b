"""Retention at the command line."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clearline.cli.exit_status import UNAVAILABLE
from clearline.retention.domain import Kind
from clearline.retention.worker import WORKED
from clearline.settings.settings import Settings
from tests.builders.application import run_command, run_json
from tests.builders.databases import administer, new_database

_OLD_ANSWERS = """
    insert into idempotency_key (company_id, api_key_id, route, key, fingerprint, status, body, created_at)
    select gen_random_uuid(), gen_random_uuid(), 'POST /tickets', n::text, '', 201, '', now() - interval '2 days'
      from generate_series(1, 7) n
"""


@pytest.fixture
async def url(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres) as url:
        yield url


async def test_a_dry_run_counts_what_a_run_deletes(url: str, tmp_path: Path) -> None:
    there = {"CLEARLINE_DATA_DIR": str(tmp_path)}
    await administer(url, _OLD_ANSWERS)
    before = {one["kind"]: one for one in run_json(url, "retention", "show", **there)}
    assert list(before) == [kind.value for kind in Kind]
    assert {kind: one["days"] for kind, one in before.items()} == {
        kind.value: getattr(Settings(), kind.field) or None for kind in Kind
    }
    assert before["idempotency_keys"]["setting"] == "CLEARLINE_KEEP_IDEMPOTENCY_KEYS_DAYS"
    assert before["idempotency_keys"]["last_run"] is None

    dry = {one["kind"]: one["due"] for one in run_json(url, "retention", "run", "--dry-run", **there)}
    assert dry == {kind.value: None if kind is Kind.ORPHANED_ATTACHMENTS else 0 for kind in WORKED} | {
        "idempotency_keys": 7
    }
    run = ["retention", "run", "--kind", "idempotency_keys"]
    assert run_command(url, *run, "--dry-run", **there).stdout == "idempotency_keys: 7 would be deleted\n"
    assert run_command(url, *run, **there).stdout == "idempotency_keys: 7 deleted\n"
    assert run_json(url, *run, **there) == [{"kind": "idempotency_keys", "deleted": 0}]
    [after] = [one for one in run_json(url, "retention", "show", **there) if one["kind"] == "idempotency_keys"]
    assert (after["last_run"]["deleted"], after["last_run"]["deleted_by_all_runs"]) == (0, 7)
    assert "idempotency_keys" in run_command(url, "retention", "show", **there).stdout


async def test_a_kind_that_another_process_deletes_is_left_to_it(url: str, tmp_path: Path) -> None:
    there = {"CLEARLINE_DATA_DIR": str(tmp_path)}
    await administer(url, _OLD_ANSWERS)
    await administer(
        url, "insert into retention_run (kind, started_at, batch_at) values ('idempotency_keys', now(), now())"
    )
    said = run_command(url, "retention", "run", "--kind", "idempotency_keys", "--kind", "drafts", **there)
    assert said.stdout == "idempotency_keys: another process is about it\ndrafts: 0 deleted\n"


async def test_without_the_directory_of_the_server_nothing_is_deleted(url: str, tmp_path: Path) -> None:
    there = {"CLEARLINE_DATA_DIR": str(tmp_path / "missing")}
    refused = run_command(url, "retention", "run", **there)
    assert refused.exit_code == UNAVAILABLE
    assert "does not exist" in refused.stderr
    assert json.loads(run_command(url, "retention", "show", "--json", **there).stdout)
