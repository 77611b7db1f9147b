"""Rules that make it possible to move companies between databases (docs/adr/0012-beyond-one-machine.md)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import clearline
from clearline.event_stream.usecases import parse_cursor
from clearline.platform.database.transactions import Database

SOURCE = Path(clearline.__file__).parent
SHARED = {
    "attachment_store", "branding", "company", "consumer", "erasure", "field", "form", "handover",
    "identity_provider", "inbound_mail", "issue_type", "last_backup", "logo", "macro", "mail_suppression",
    "mail_template", "mailbox", "queue", "retention_run", "routing_rule", "schema_migration", "search_index",
    "second_factor_role", "server_secret", "service_type", "sign_in_attempt", "sign_in_flow", "team", "team_member",
    "term", "tier",
}  # fmt: skip
"""Tables of the desk, not of a company."""

LOGS = {
    "platform/database/horizon.py",
    "events/store.py",
    "events/offset_store.py",
    "event_stream/store.py",
    "audit/store.py",
}
"""The stores of the event log."""

SEVERAL_COMPANIES = {
    (
        "fields/store.py",
        "app_user, service",
    ): "references to services of a customer, and to people of it and the provider",
    ("notifications/recipient_store.py", "app_user"): "recipients of the customer and of the provider",
    (
        "notifications/store.py",
        "attachment, mail_opt_out, note, notification_settings, ticket, ticket_contact",
    ): "notifications that are due",
    ("queues/team_store.py", "ticket"): "the tickets of an agent, whoever raised them",
}
"""Statements about more than one company: for each module the tables without a condition of their own."""

_TABLE = re.compile(r"\b(?:from|join|update|using)\s+([a-z_]+)(?:\s+(?:as\s+)?([a-z_]+))?")
_NO_ALIAS = {
    "where", "join", "on", "left", "set", "using", "order", "group", "limit", "cross", "select", "returning", "as",
    "for", "inner", "values", "and", "union", "having", "offset", "full", "right", "natural",
}  # fmt: skip


class Table(NamedTuple):
    name: str
    alias: str


def texts(path: Path) -> Iterator[str]:
    """Yield the string literals of a module, with a pair of braces for each interpolated value."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else " {} " for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value


def without_condition(statement: str, tables: set[str]) -> set[str]:
    """Return the tables of companies in a statement that have no ``company_id = $n`` of their own."""
    used = [
        Table(name, alias if alias and alias not in _NO_ALIAS else name) for name, alias in _TABLE.findall(statement)
    ]
    used = [table for table in used if table.name in tables]
    named = [
        table
        for table in used
        if not re.search(rf"\b{table.alias}\.company_id\s*=\s*(?:any\()?\$", statement)
        and not re.search(rf"\({table.alias}\.company_id, [^)]*\)\s*[=<>]+\s*\(\$", statement)
    ]
    plain = len(re.findall(r"(?<![.\w])company_id\s*=\s*(?:any\()?\$", statement))
    plain += len(re.findall(r"\(company_id, [^)]*\)\s*[=<>]+\s*\(\$", statement))
    bare = [table for table in named if table.alias == table.name]
    return {table.name for table in (named if len(bare) > plain else [table for table in named if table not in bare])}


async def tables_with_company(database: Database) -> set[str]:
    async with database.statement() as tx:
        rows = await tx.fetch(
            """select table_name from information_schema.columns
                 join information_schema.tables using (table_schema, table_name)
                where table_schema = 'public' and table_type = 'BASE TABLE' and column_name = 'company_id'"""
        )
    return {row[0] for row in rows}


async def test_every_table_of_a_companys_data_begins_its_key_with_the_company(database: Database) -> None:
    async with database.statement() as tx:
        rows = await tx.fetch(
            """select i.indrelid::regclass::text, a.attname from pg_index i
                 join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
                 join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
                where i.indisprimary and n.nspname = 'public'"""
        )
    first_column = dict(rows)
    assert {table for table, column in first_column.items() if column != "company_id"} == SHARED
    assert await tables_with_company(database) - set(first_column) == set()


async def test_every_table_in_a_statement_about_one_company_has_its_own_condition(database: Database) -> None:
    tables = await tables_with_company(database) - SHARED
    statements, missing = 0, set()
    for path in SOURCE.rglob("*store.py"):
        for text in texts(path):
            if re.search(r"(?<!\w)company_id\s*=\s*\$", text) and re.search(r"\b(select|update|delete)\b", text):
                statements += 1
                if lacking := without_condition(text, tables):
                    missing.add((path.relative_to(SOURCE).as_posix(), ", ".join(sorted(lacking))))
    assert statements > 80
    assert missing == set(SEVERAL_COMPANIES)


@pytest.mark.parametrize(
    ("statement", "lacking"),
    [
        ("select from ticket t join note n on n.company_id = t.company_id where t.company_id = $1", {"note"}),
        ("select from ticket t join note n on n.company_id = $1 where t.company_id = $1", set()),
        ("select from ticket where company_id = $1", set()),
        ("select from ticket where number = $1", {"ticket"}),
        ("with a as (select from ticket where company_id = $1) select from note where number = 1", {"note", "ticket"}),
        ("select from queue where id = $1", set()),
    ],
)
def test_a_table_without_its_own_condition_is_found(statement: str, lacking: set[str]) -> None:
    assert without_condition(statement, {"ticket", "note"}) == lacking


def test_only_the_stores_of_the_event_log_compare_transaction_numbers() -> None:
    compared = re.compile(r"\bxid\b.*(::|[<>=])|pg_snapshot|pg_current_xact_id", re.DOTALL)
    modules = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if any(compared.search(text) for text in texts(path))
    }
    assert modules == LOGS


async def test_triggers_only_notify_order_the_events_of_a_ticket_or_derive_its_fields(database: Database) -> None:
    async with database.statement() as tx:
        rows = await tx.fetch("select tgname, tgfoid::regproc::text from pg_trigger where not tgisinternal order by 1")
    assert [tuple(row) for row in rows] == [
        ("api_key_changed", "tell_actors_changed"),
        ("app_user_changed", "tell_actors_changed"),
        ("branding_changed", "tell_branding_changed"),
        ("company_changed", "tell_actors_changed"),
        ("company_tier_changed", "tell_catalogue_changed"),
        ("event_order", "event_follows_its_ticket"),
        ("field_changed", "tell_catalogue_changed"),
        ("form_changed", "tell_catalogue_changed"),
        ("issue_type_changed", "tell_catalogue_changed"),
        ("logo_changed", "tell_branding_changed"),
        ("priority_matrix_changed", "tell_catalogue_changed"),
        ("service_type_changed", "tell_catalogue_changed"),
        ("term_changed", "tell_catalogue_changed"),
        ("ticket_fields_changed", "derive_ticket_fields"),
        ("ticket_with_fields", "derive_ticket_fields"),
        ("tier_changed", "tell_catalogue_changed"),
    ]


@pytest.mark.parametrize("text", ["v2-1-2-3", "2.AbCdEf", "1-2-3-4", "{}", "1-2-3\n"])
def test_a_stream_cursor_of_another_version_is_rejected(text: str) -> None:
    assert parse_cursor("1-2-3") is not None
    assert parse_cursor(text) is None
