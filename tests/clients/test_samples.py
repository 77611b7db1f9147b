"""The samples of the API reference run as they stand, in Python and with curl."""

import ast
import contextlib
import io
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clearline.clock import now
from clearline.web.docs import snippets
from clearline.web.docs.samples import Samples
from clearline.web.docs.views import OperationView, operation_views
from tests.builders.server import Server
from tests.builders.web.reference import site
from tests.patience import patient

TICKET, COMPANY, USER = (
    "INC000001234567",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "6f1de5a8-55f5-4c64-9fdc-2f0a3c3f5f11",
)
"""Ids in samples, in the place of which a test puts those that it made."""


def operations() -> dict[str, OperationView]:
    return {view.id: view for plan in site().plans for page in plan.resources for view in operation_views(plan, page)}


OPERATIONS = operations()


LISTS = (
    "ticketHistory", "listNotes", "listLinks", "listWatchers", "listQueues", "listTeams", "listMacros", "listViews",
    "listCompanies", "getCompany", "listUsers", "listKeys", "getMe", "listSubscriptions", "listMailboxes", "getService",
)  # fmt: skip


class Reader:
    """Somebody who runs samples: its ids stand in the place of the examples."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, url: str, key: str) -> None:
        self._monkeypatch = monkeypatch
        self.ids: dict[str, str] = {}
        monkeypatch.setenv("CLEARLINE_URL", url)
        self.use(key)

    def use(self, key: str) -> None:
        self._monkeypatch.setenv("CLEARLINE_KEY", key)

    def sample(self, operation: str) -> Samples:
        sample = OPERATIONS[operation].samples
        curl, python = sample.curl, sample.python
        for example, own in self.ids.items():
            curl, python = curl.replace(example, own), python.replace(example, own)
        return Samples(curl, python)

    def run(self, operation: str) -> Any:
        """Run the Python sample of an operation; return what it prints."""
        printed = run(self.sample(operation).python)
        return ast.literal_eval(printed) if printed.startswith(("{", "[")) else printed

    def curl(self, operation: str) -> str:
        """Run the curl sample of an operation; return the status and the body."""
        command = re.sub(r"curl (?!-s)", "curl -sS -w '%{http_code}' ", self.sample(operation).curl)
        done = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, text=True, check=True, timeout=patient(20)
        )
        return done.stdout


def run(program: str) -> str:
    """Run a program of the reference; return what it prints."""
    printed = io.StringIO()
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(program, "sample", "exec"), names)  # noqa: S102 - our own samples
        finally:
            names["api"].close()  # a program that ends needs not
    return printed.getvalue().strip()


@pytest.fixture
def reader(desk: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Reader:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trace.txt").write_text("1 192.0.2.1 0.4 ms\n")
    return Reader(monkeypatch, desk.url, desk.staff_secret())


def test_samples_run_one_after_the_other(reader: Reader) -> None:
    reader.ids[COMPANY] = reader.run("createCompany")["id"]
    assert reader.run("createService")["id"] == "NET-AMS-0012"
    ticket = reader.run("createTicket")
    assert (ticket["title"], ticket["company"]["code"]) == ("Port is down", "EXF001")
    reader.ids[TICKET] = ticket["number"]
    assert reader.run("getTicket")["number"] == ticket["number"]
    assert reader.run("addNote")["text"] == "The optic was replaced. Please check."
    assert reader.run("addAttachment")["name"] == "trace.txt"
    assert len(reader.run("listAttachments")["data"]) == 1
    assert reader.run("tagTicket")["tags"] == ["vip"]
    assert reader.run("moveTicket")["status"] == "in_progress"
    assert ticket["number"] in {item["number"] for item in reader.run("listTickets")["data"]}
    for operation in LISTS:
        assert isinstance(reader.run(operation), dict), operation
    assert reader.run("createTeam")["name"] == "Core NOC"
    assert ticket["number"] in run(reader.sample("exportTickets").python)
    assert reader.run("deleteService") == ""


def test_samples_of_console_connect_run_with_the_key_of_a_customer(reader: Reader) -> None:
    reader.ids[COMPANY] = reader.run("createCompany")["id"]
    reader.run("createService")
    reader.ids[USER] = reader.run("createUser")["id"]
    scopes = '["tickets:read", "tickets:write"]'
    ends = (now() + timedelta(days=1)).isoformat()  # the key that issues it does not last for ever
    reader.ids['["tickets:read"]'] = f'{scopes}, "expires_at": "{ends}"'
    reader.use(reader.run("createKey")["key"])
    assert reader.run("getToken")["name"] == "Ana Ruiz"
    assert [service["value"] for service in reader.run("listSupportTicketServices")] == ["NET-AMS-0012"]
    ticket = reader.run("createSupportTicket")
    reader.ids[TICKET] = ticket["id"]
    assert reader.run("getSupportTicket")["id"] == ticket["id"]
    assert "The optic was replaced. Please check." in str(reader.run("addSupportTicketNote")["notes"])
    assert [listed["id"] for listed in reader.run("listSupportTickets")] == [ticket["id"]]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_samples_run(reader: Reader) -> None:
    reader.ids[COMPANY] = re.findall(r'"id":"([^"]+)"', reader.curl("createCompany"))[0]
    assert reader.curl("createService").endswith("201")
    created = reader.curl("createTicket")
    assert created.endswith("201")
    reader.ids[TICKET] = re.findall("INC[0-9]{12}", created)[0]
    for operation, status in {"getTicket": 200, "tagTicket": 200, "addAttachment": 201, "deleteService": 204}.items():
        assert reader.curl(operation).endswith(str(status)), operation


def test_programs_of_the_start_page_run(reader: Reader) -> None:
    assert re.search("INC[0-9]{12} ", run(snippets.PAGING))
    key = reader.run("listCompanies")["data"][0]["code"]
    program = snippets.RETRIES.replace('"title":', f'"company": "{key}", "title":')
    assert re.fullmatch("INC[0-9]{12}", run(program))
