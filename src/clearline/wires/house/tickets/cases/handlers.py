"""House API v1: cases at third parties."""

from typing import Any
from uuid import UUID

from clearline.identity import Scope
from clearline.tickets import access
from clearline.tickets.cases import usecases as cases
from clearline.tickets.domain import ticket_number
from clearline.tickets.third_parties.domain import CASES_MAX, Case
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.records import change_record, delete_record, get_record, list_records, time_and_id
from clearline.wires.house.tickets.cases import wire
from clearline.wires.house.tickets.cases.mapping import case_out, case_values
from clearline.wires.house.tickets.handlers import NUMBER, TICKETS
from clearline.wires.house.wire import Page, PageQuery
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_CASES = TICKETS + "/{number}/cases"
_ID = id_in_path("id", "The case's id.", example=EXAMPLE_ID)
_STAFF = "For the provider's people."


def _ids(call: Call) -> tuple[int, UUID]:
    return access.parse_number(call.path["number"]), uuid_of(call.path["id"], cases.KIND)


def _keys(case: Case) -> list[Any]:
    return [case.opened_at.isoformat(), str(case.id)]


async def list_cases(call: Call) -> Page[wire.CaseOut]:
    """List the cases of a ticket."""
    number = access.parse_number(call.path["number"])
    return await list_records(call, (number,), cases.list_cases, time_and_id, _keys, case_out)


async def add_case(call: Call) -> wire.CaseOut:
    """Add a case to a ticket."""
    number = access.parse_number(call.path["number"])
    values = case_values(call.body(wire.CaseIn))
    async with call.transaction() as tx:
        case = await cases.add_case(tx, call.actor, number, values, now=call.now)
    call.location = f"{TICKETS}/{ticket_number(number)}/cases/{case.id}"
    return case_out(case)


async def get_case(call: Call) -> wire.CaseOut:
    """Get a case of a ticket."""
    return await get_record(call, _ids(call), cases.get_case, case_out)


async def change_case(call: Call) -> wire.CaseOut:
    """Change a case of a ticket."""
    values = case_values(call.body(wire.CasePatch))
    return await change_record(call, _ids(call), values, cases.lock_case, cases.change_case, case_out)


async def remove_case(call: Call) -> None:
    """Remove a case from a ticket."""
    await delete_record(call, _ids(call), cases.lock_case, cases.remove_case, case_out)


OPERATIONS = (
    Operation(
        "listCases", "GET", _CASES, list_cases,
        "List the cases of a ticket", "Its cases at third parties, that of the earliest opening first. They are "
        f"members of the ticket, too. {_STAFF}",
        Scope.TICKETS_READ, Page[wire.CaseOut], query=PageQuery, path_parameters=NUMBER, errors=(400, 404),
    ),
    Operation(
        "addCase", "POST", _CASES, add_case,
        "Add a case to a ticket", "A case that the provider has at a carrier or vendor because of the ticket. A ticket "
        f"has at most {CASES_MAX}, and each number of a third party once. {_STAFF}",
        Scope.TICKETS_WRITE, wire.CaseOut, body=wire.CaseIn, path_parameters=NUMBER, errors=(404,), status=201,
    ),
    Operation(
        "getCase", "GET", _CASES + "/{id}", get_case,
        "Get a case of a ticket", f"Returns a case. {_STAFF}",
        Scope.TICKETS_READ, wire.CaseOut, path_parameters=NUMBER | _ID, errors=(404,),
    ),
    Operation(
        "changeCase", "PATCH", _CASES + "/{id}", change_case,
        "Change a case of a ticket", "Sets the values in the merge patch, also when the ticket is closed. If nothing "
        f"changes, no event is stored. {_STAFF}",
        Scope.TICKETS_WRITE, wire.CaseOut, body=wire.CasePatch, path_parameters=NUMBER | _ID, errors=(404,),
        conditional=True,
    ),
    Operation(
        "removeCase", "DELETE", _CASES + "/{id}", remove_case,
        "Remove a case from a ticket", "The history keeps what it was, and a ticket that waits for it still names it. "
        f"{_STAFF}",
        Scope.TICKETS_WRITE, None, path_parameters=NUMBER | _ID, errors=(404,), status=204, conditional=True,
    ),
)  # fmt: skip
