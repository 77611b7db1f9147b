"""Every table with rows of companies has a documented limit, and the limits that are settings hold."""

import importlib
import sys
from types import ModuleType

import pytest

from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from tests.builders.docs.pages import ROOT


@pytest.fixture(scope="module")
def page() -> ModuleType:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        return importlib.import_module("limit_pages")
    finally:
        sys.path.remove(str(ROOT / "docs"))


async def test_every_table_with_rows_of_companies_has_a_documented_limit(database: Database, page: ModuleType) -> None:
    async with database.statement() as tx:
        rows = await tx.fetch(
            """select table_name from information_schema.columns join information_schema.tables using (table_name)
                where tables.table_schema = 'public' and columns.table_schema = 'public' and table_type = 'BASE TABLE'
                  and column_name = 'company_id'"""
        )
    assert len(rows) > 25
    assert sorted(limit.table for limit in page.TABLES) == sorted(row[0] for row in rows)


def test_every_setting_of_a_company_is_on_the_page(page: ModuleType) -> None:
    text = "\n".join(page.limits())
    companies = [name for name in Settings.__dataclass_fields__ if name.startswith("company_")]
    assert len(companies) > 8
    assert [name for name in companies if f"`CLEARLINE_{name.upper()}`" not in text] == []
