"""The import of a customer's services in the administration."""

from typing import NamedTuple

import httpx
import pytest

from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from tests.builders.people import Tenant, new_tenant
from tests.builders.web.pages import Page, Person, person

CSV = "type;label;id\nPort;New port;LIS/9\nPort;Service 1, renamed;SVC-1\nCloudRouter;Service 2;SVC-2\n"
JSON = """[{"id": "LIS/9", "type": "Port", "label": "New port"},
 {"id": "SVC-1", "type": "Port", "label": "Service 1, renamed"},
 {"id": "SVC-2", "type": "CloudRouter", "label": "Service 2"}]"""
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class Import(NamedTuple):
    """A customer, an admin, and the page of the import."""

    admin: Person
    tenant: Tenant
    database: Database

    @property
    def path(self) -> str:
        return f"/console/admin/companies/{self.tenant.company.id}/services/import"

    async def labels(self) -> dict[str, str]:
        async with self.database.statement() as tx:
            services = await inventory.services_of(tx, OPERATOR, self.tenant.company.id)
        return {service.id: service.label for service in services}


@pytest.fixture
async def services(client: httpx.AsyncClient, database: Database) -> Import:
    return Import(await person(client, database, Role.ADMIN), await new_tenant(database), database)


@pytest.mark.parametrize("table", [CSV, JSON], ids=["csv", "json"])
async def test_a_table_is_checked_then_imported_and_the_same_again_changes_nothing(
    services: Import, table: str
) -> None:
    before = await services.labels()
    checked = await services.admin.post(services.path, table=table, check="")
    page = Page(checked.text)
    assert checked.status_code == 200
    assert "Nothing is changed yet. New: 1. Changed: 1. As they are: 1." in page.text
    for row in ("LIS/9 New port Port new", "SVC-1 Service 1, renamed Port changed", "Service 2 CloudRouter as it is"):
        assert row in page.text
    assert await services.labels() == before
    done = await services.admin.post(services.path, **{"table": table, "import": ""})
    assert "Imported. New: 1. Changed: 1. As they were: 1." in Page(done.text).text
    assert await services.labels() == {**before, "LIS/9": "New port", "SVC-1": "Service 1, renamed"}
    again = await services.admin.post(services.path, **{"table": table, "import": ""})
    assert "Imported. New: 0. Changed: 0. As they were: 3." in Page(again.text).text


@pytest.mark.parametrize(
    ("table", "place", "shown"),
    [
        ("id,label\nA,B\n", 1, "The heading lacks type; it must name id, type, label"),
        ("id,type,label\nA,Port,B\nA,Port,C\n", 3, "Id A stands in an earlier line too."),
        ("id,type,label\nA,Boat,B\n", 2, "Type must be one of"),
        ('id,type,label\n"A,Port,B\n', 2, "Is no CSV:"),
        ("id,type,label\nA,Port,Caf\ufffd\n", 2, "Has a character that is not UTF-8: save the file as UTF-8."),
        ("[1", 1, "Is no JSON list of objects with id, type and label"),
        ('[{"id": "A"}]', 1, "Line is no service: Object missing required field"),
        ('[{"id": "A", "type": "Boat", "label": "B"}]', 1, "Type must be one of"),
        ('[{"id":"A","type":"Port","label":"B"},{"id":" A","type":"Port","label":"C"}]', 2, "Id A stands in"),
        ("", 1, "The heading lacks"),
        ("id,type,label,Label\nA,Port,B,C\n", 1, "The heading names label more than once."),
        ("PK\x03\x04\ufffd", 1, "Is a workbook of a spreadsheet program: save it as CSV in UTF-8."),
        ("[" * 100_000, 1, "Is no JSON list"),
    ],
)  # fmt: skip
async def test_a_wrong_table_is_shown_again_with_each_wrong_row_and_nothing_is_imported(
    services: Import, table: str, place: int, shown: str
) -> None:
    before = await services.labels()
    answer = await services.admin.post(services.path, **{"table": table, "import": ""})
    page = Page(answer.text)
    assert answer.status_code == 422
    assert "Nothing was imported: 1 row is wrong." in page.text
    assert f"{place} {shown}" in page.text.replace("Line What is wrong ", "")  # the line, then what is wrong
    assert table[:20].strip().replace("\n", " ") in page.text
    assert await services.labels() == before


async def test_what_a_table_has_is_shown_as_text(services: Import) -> None:
    table = f'id,type,label\n"{HOSTILE}",Port,"{HOSTILE}"\n'
    for name in ("check", "import"):
        answer = await services.admin.post(services.path, **{"table": table, name: ""})
        assert answer.status_code == 200, answer.text
        assert "<script>alert" not in answer.text
        assert not [tag for tag, attributes in Page(answer.text).tags if "onerror" in attributes]


async def test_the_import_is_reached_from_the_company_and_not_for_the_provider(services: Import) -> None:
    company = services.path.removesuffix("/services/import")
    for page in (company, f"{company}/services"):
        assert services.path in (await services.admin.page(page)).links(services.path)
    assert (
        await services.admin.get(services.path.replace(str(services.tenant.company.id), str(PROVIDER_ID)))
    ).status_code == 404
