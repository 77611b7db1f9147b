"""An export of a person has all that is stored about it, and nothing that is secret."""

import io
import json
import zipfile
from typing import Any

import httpx

from clearline.accounts.domain import KEY_PREFIX
from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.privacy.data_map import TABLES
from tests.builders.people import customer_admin, new_staff, staff_key
from tests.builders.privacy.scene import ADDRESS, FILE, NAME, PHONE, Scene

PATH = "/api/v1/exports/person"


async def export(scene: Scene, address: str = ADDRESS) -> dict[str, bytes]:
    answer = await scene.desk.client.get(PATH, headers=scene.headers, params={"address": address})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert ADDRESS not in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def records(files: dict[str, bytes], table: str) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads(files[f"records/{table}.json"])
    return read


async def test_it_has_what_is_stored_about_a_person(scene: Scene) -> None:
    files = await export(scene, f" {ADDRESS.upper()} ")
    summary = json.loads(files["person.json"])
    assert summary["address"] == ADDRESS
    assert [(user["id"], user["name"], user["phone"]) for user in summary["accounts"]] == [
        (str(scene.user.id), NAME, PHONE)
    ]
    assert {table: len(records(files, table)) for table in summary["records"]} == summary["records"]
    assert {
        "account_mail", "api_key", "app_user", "attachment", "company", "event", "feedback", "idempotency_key",
        "inbound_mail", "mail_opt_out", "mail_suppression", "note", "outbound_mail", "saved_view", "sign_in_session",
        "ticket", "ticket_case", "ticket_contact",
    } - {"account_mail"} <= set(summary["records"])  # fmt: skip
    assert [ticket["number"] for ticket in records(files, "ticket")] == [scene.serial]
    assert {note["source"] for note in records(files, "note")} == {"buyer"}
    assert len(records(files, "note")) == 4  # one by the API, three by mail
    assert records(files, "sign_in_session")[0]["address"] == "192.0.2.7"
    received = [name for name in files if name.startswith("mail/inbound_mail/")]
    sent = [name for name in files if name.startswith("mail/outbound_mail/")]
    assert len(received) == 3
    assert sent
    assert all(NAME.encode() in files[name] for name in received)
    assert summary["mails"] == len(received) + len(sent)
    (attached,) = (name for name in files if name.startswith("files/"))
    assert attached.startswith(f"files/{scene.number}/")
    assert attached.endswith(f"Log of {NAME}.txt")
    assert files[attached] == FILE
    assert (summary["files"], summary["missing_files"]) == (1, [])


async def test_it_has_no_secrets_and_nothing_of_others(scene: Scene) -> None:
    files = await export(scene)
    for table in TABLES:
        for row in records(files, table.name) if f"records/{table.name}.json" in files else []:
            assert not {"secret_hash", "token_hash", "hash", "secret", "code_hash", "fingerprint", "sealed"} & set(row)
            row.pop("sha256", None)  # of a file, not of a secret
            assert not {value for value in row.values() if isinstance(value, str) and value.startswith("\\x")}, row
    secret = scene.person["Authorization"].partition(" ")[2]
    assert secret.startswith(KEY_PREFIX)
    assert not any(secret.encode() in content for content in files.values())
    assert not any(scene.desk.rig.sender.encode() in content for name, content in files.items() if "api_key" in name)
    assert b"by a stranger" not in b"".join(files.values())


async def test_an_address_without_an_account_is_a_person_too(scene: Scene) -> None:
    async with scene.desk.database.transaction() as tx:
        await tx.write("update ticket_contact set email = 'cleo@contact.example.org'")
    files = await export(scene, "cleo@contact.example.org")
    assert json.loads(files["person.json"])["accounts"] == []
    assert json.loads(files["person.json"])["records"] == {"ticket_contact": 1}
    assert records(files, "ticket_contact")[0]["phone"] == PHONE


async def test_a_file_whose_content_is_missing_is_named(scene: Scene) -> None:
    for path in scene.desk.files.rglob("*"):
        if path.is_file() and FILE in path.read_bytes():
            path.unlink()
    files = await export(scene)
    (attached,) = records(files, "attachment")
    assert json.loads(files["person.json"])["missing_files"] == [attached["id"]]


async def test_the_audit_says_who_exported_whose_accounts_and_no_address(scene: Scene) -> None:
    await export(scene)
    answer = await scene.desk.client.get("/api/v1/audit?type=person.exported", headers=scene.headers)
    (event,) = answer.json()["data"]
    assert event["actor"] == "Mara Lind"
    assert event["data"]["changes"] == [{"field": "accounts", "before": None, "after": [str(scene.user.id)]}]
    assert ADDRESS not in answer.text


async def test_nobody_about_whom_nothing_is_stored_has_an_export(scene: Scene) -> None:
    answer = await scene.desk.client.get(PATH, headers=scene.headers, params={"address": "nobody@example.org"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    answer = await scene.desk.client.get(PATH, headers=scene.headers, params={"address": "nobody"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "address")


async def test_only_admins_of_the_provider_export_people(client: httpx.AsyncClient, database: Database) -> None:
    admin = await new_staff(database, Role.ADMIN)
    for headers in (
        (await customer_admin(database)).headers, await staff_key(database, Role.AGENT),
        await staff_key(database, Role.VIEWER),
    ):  # fmt: skip
        answer = await client.get(PATH, headers=headers, params={"address": admin.user.email})
        assert answer.status_code == 403, answer.text
    answer = await client.get(PATH, headers=admin.headers, params={"address": admin.user.email})
    assert answer.status_code == 200


async def test_every_table_of_the_map_has_its_primary_key_and_its_columns(database: Database) -> None:
    async with database.statement() as tx:
        rows = await tx.fetch(
            """select c.conrelid::regclass::text,
                      array_agg(a.attname || ' ' || format_type(a.atttypid, null) order by p)
                 from pg_constraint c cross join unnest(c.conkey) with ordinality as k (attnum, p)
                 join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum
                where c.contype = 'p' group by 1"""
        )
    keys = {table: ", ".join(columns).replace("timestamp with time zone", "timestamptz") for table, columns in rows}
    assert {table.name: table.key for table in TABLES} == {table.name: keys[table.name] for table in TABLES}


async def test_every_column_that_refers_to_a_user_is_in_the_map(database: Database) -> None:
    async with database.statement() as tx:
        rows = await tx.fetch(
            """select table_name, column_name from information_schema.columns where table_schema = 'public'
                  and (column_name in ('user_id', 'created_by', 'actor_id', 'decided_by') and udt_name = 'uuid')"""
        )
    known = {(table.name, column) for table in TABLES for column in table.users}
    assert {tuple(row) for row in rows} - known == OF_NOBODY


OF_NOBODY = {
    ("erasure", "user_id"),  # who asked is an id, and the name goes with the account
    ("inbound_mail", "decided_by"),  # the mail is its sender's
    ("recovery_code", "user_id"),  # hashes
    ("sign_in_challenge", "user_id"),  # a hash, for minutes
}
