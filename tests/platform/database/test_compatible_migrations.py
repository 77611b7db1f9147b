"""A migration says whether servers of the version before work with it, and has a reason where that can be doubted."""

import re

import pytest

from clearline.platform.database import migrate

REASON = re.compile(r"^-- Compatible: [^\n]+, because .{20}", re.MULTILINE)
"""A reason that says something."""

IN_STATEMENTS = {
    r"\bdrop (table|view|materialized view|function|type|domain|sequence|schema|rule)\b": "drops what may be in use",
    r"\brename\b": "renames",
    r"\bset schema\b": "moves a table",
    r"\bcreate unique index\b.* on (?P<table>\w+)": "refuses values that were allowed",
    r"\b(truncate|delete from) (?P<table>\w+)": "deletes rows",
}  # fmt: skip
"""What makes a statement doubtful; of a table that the same migration creates, nothing is."""
IN_ACTIONS = {
    r"^drop (?!not null|index|trigger)": "drops a column or a constraint",
    r"^alter (column )?\w+ (set data )?type\b": "changes a type",
    r"^alter (column )?\w+ set not null\b": "refuses null",
    r"^alter (column )?\w+ drop (default|expression|identity)\b": "takes a default away, which older servers rely on",
    r"^add (constraint|check|unique|primary key|foreign key|exclude)\b": "refuses values that were allowed",
    r"^add (column )?(if not exists )?\w+ (?!.*\b(default|generated)\b).*\b(not null|primary key)": "has to be given",
    r"^(attach|detach) partition\b": "moves rows",
}
"""What makes an action of ALTER TABLE doubtful."""


def without_texts(sql: str) -> str:
    """Return SQL without its comments, and without the bodies of functions and other texts."""
    sql = re.sub(r"--[^\n]*", " ", sql)
    sql = re.sub(r"\$(\w*)\$.*?\$\1\$", "''", sql, flags=re.DOTALL)
    return re.sub(r"'(?:[^']|'')*'", "''", sql)


def actions(text: str) -> list[str]:
    """Return the actions of ALTER TABLE: what commas outside of parentheses separate."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def doubts(sql: str) -> list[str]:
    """Return what of a migration can make servers fail that do not know it."""
    statements = [" ".join(part.lower().split()) for part in without_texts(sql).split(";")]
    created = {match[1] for part in statements if (match := re.match(r"create table (?:if not exists )?(\w+)", part))}
    doubtful = []
    for statement in statements:
        altered = re.match(r"alter table (?:if exists )?(?:only )?(\w+) (.*)", statement)
        if altered and altered[1] in created:
            continue
        for pattern, why in IN_STATEMENTS.items():
            match = re.search(pattern, statement)
            if match and match.groupdict().get("table") not in created:
                doubtful.append(f"{statement[:80]}: {why}")
        for action in actions(altered[2]) if altered else []:
            doubtful += [f"{action[:80]}: {why}" for pattern, why in IN_ACTIONS.items() if re.search(pattern, action)]
    return doubtful


def test_a_migration_says_why_older_servers_work_with_what_can_make_them_fail() -> None:
    """CONTRIBUTING.md says how a migration is written, and how a change becomes compatible."""
    unexplained = {
        migration.label: doubtful
        for migration in migrate.known()
        if migration.compatible_since is not None
        and (doubtful := doubts(migration.sql))
        and not REASON.search(migration.sql)
    }
    assert unexplained == {}, "write the reason after ', because ', or -- Compatible: no"


def test_a_migration_names_one_before_it_since_which_servers_work() -> None:
    assert [item.label for item in migrate.known() if (item.compatible_since or 0) >= item.number] == []


@pytest.mark.parametrize(
    "sql",
    [
        "alter table ticket add column colour text;",
        "alter table ticket add column colour text not null default 'red', add weight integer;",
        "alter table ticket add column total integer generated always as (1 + 1) stored not null;",
        "alter table ticket alter column title drop not null;",
        "alter table ticket alter column title set default '';",
        "create table colour (name text not null unique); create unique index c on colour (name);",
        "create table colour (id integer); alter table colour add constraint c check (id > 0); drop index old;",
        "create index ticket_by_colour on ticket (colour);",
        "create or replace function f() returns trigger language plpgsql as $$ begin drop table ticket; end $$;",
        "insert into colour values ('drop table ticket; rename'); -- drop table ticket",
        "update search_index set format = 7;",
    ],
)
def test_what_only_adds_raises_no_doubt(sql: str) -> None:
    assert doubts(sql) == []


@pytest.mark.parametrize(
    "sql",
    [
        "drop table ticket;",
        "DROP  VIEW open_ticket;",
        "drop function derive();",
        "alter table ticket rename column title to name;",
        "alter table ticket rename to tickets;",
        "alter table ticket drop column title;",
        "alter table ticket add column colour text, drop title;",
        "alter table ticket drop constraint ticket_title_check;",
        "alter table ticket alter column title type varchar(20);",
        "alter table ticket alter title set data type text;",
        "alter table only ticket alter column colour set not null;",
        "alter table ticket alter column colour drop default;",
        "alter table ticket add column colour text not null;",
        "alter table ticket add column colour text check (colour in ('a', 'b')) not null;",
        "alter table ticket add check (length(title) < 10);",
        "alter table ticket add constraint once unique (title);",
        "create unique index once on ticket (title);",
        "create unique index concurrently if not exists once on ticket (title);",
        "delete from term;",
        "truncate ticket_search;",
    ],
)
def test_what_can_make_older_servers_fail_raises_a_doubt(sql: str) -> None:
    assert len(doubts(sql)) == 1
