"""House API v1: mail that its recipients stopped with the link in it."""

from clearline.identity import Scope
from clearline.mail.outbound import opt_out_usecases as opt_outs
from clearline.wires.house import paging, records
from clearline.wires.house.mail import opt_out_wire as wire
from clearline.wires.house.mail.outbound_mapping import opt_out_out
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.records import newest_key, not_before_since, time_and_id_keys
from clearline.wires.house.wire import Page
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_OPT_OUTS = "/api/v1/mail-opt-outs"
_ID = id_in_path("id", "The id of the opt-out.", example=EXAMPLE_ID)


async def list_opt_outs(call: Call) -> Page[wire.OptOutOut]:
    """Return opt-outs, newest first."""
    query: wire.OptOutQuery = call.query
    before = newest_key(call)
    async with call.statement() as tx:
        page = await opt_outs.list_opt_outs(
            tx, call.actor, recipient=query.recipient, before=before, limit=query.limit + 1
        )
    page = not_before_since(call, page, lambda stored: stored.created_at)
    return paging.page(call, page, time_and_id_keys, opt_out_out)


async def get_opt_out(call: Call) -> wire.OptOutOut:
    """Return an opt-out."""
    return await records.get_record(call, (uuid_of(call.path["id"], opt_outs.KIND),), opt_outs.get_opt_out, opt_out_out)


async def delete_opt_out(call: Call) -> None:
    """Delete an opt-out."""
    ids = (uuid_of(call.path["id"], opt_outs.KIND),)
    await records.delete_record(call, ids, opt_outs.lock_opt_out, opt_outs.delete_opt_out, opt_out_out)


OPERATIONS = (
    Operation(
        "listMailOptOuts", "GET", _OPT_OUTS, list_opt_outs,
        "List opt-outs", "What recipients stopped with the link in a mail, newest first. For the provider's people.",
        Scope.DESK_READ, Page[wire.OptOutOut], query=wire.OptOutQuery, errors=(400,),
    ),
    Operation(
        "getMailOptOut", "GET", _OPT_OUTS + "/{id}", get_opt_out,
        "Get an opt-out", "For the provider's people.",
        Scope.DESK_READ, wire.OptOutOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "deleteMailOptOut", "DELETE", _OPT_OUTS + "/{id}", delete_opt_out,
        "Delete an opt-out", "The recipient gets the mail again from now on. Do that at the recipient's "
        "request, who can also use the link in an earlier mail. For admins.",
        Scope.DESK_WRITE, None, path_parameters=_ID, errors=(404,), status=204, conditional=True,
    ),
)  # fmt: skip
