"""House API v1: outbound mail and suppressed addresses."""

from typing import Any
from urllib.parse import quote

from clearline.identity import Scope
from clearline.mail.outbound import usecases as outbound_mail
from clearline.tickets import access
from clearline.wires.house import paging
from clearline.wires.house.mail import outbound_wire as wire
from clearline.wires.house.mail.outbound_mapping import outbound_mail_details_out, outbound_mail_out, suppression_out
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, query_refusals, uuid_of
from clearline.wires.house.records import newest_key, not_before_since, time_and_id_keys
from clearline.wires.house.wire import Page, PageQuery
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_MAILS = "/api/v1/outbound-mails"
_ID = id_in_path("id", "The mail's id.", example=EXAMPLE_ID)
_SUPPRESSIONS = "/api/v1/mail-suppressions"
_ADDRESS: dict[str, dict[str, Any]] = {
    "address": {
        "description": "The address, in any case.",
        "example": "ada@example.com",
        "schema": {"type": "string", "minLength": 3, "maxLength": 254},
    }
}


async def list_mails(call: Call) -> Page[wire.OutboundMailOut]:
    """Return mails, newest first."""
    before = newest_key(call)
    number = None if call.query.ticket is None else access.parse_number(call.query.ticket)
    with query_refusals():
        async with call.statement() as tx:
            mails = await outbound_mail.list_mails(
                tx, call.actor, state=call.query.state, ticket_number=number, before=before, limit=call.query.limit + 1
            )
    mails = not_before_since(call, mails, lambda mail: mail.created_at)
    return paging.page(call, mails, time_and_id_keys, outbound_mail_out)


async def get_mail(call: Call) -> wire.OutboundMailWhole:
    """Return a mail with its content."""
    async with call.statement() as tx:
        mail, message = await outbound_mail.get_mail(tx, call.actor, uuid_of(call.path["id"], outbound_mail.KIND))
    return outbound_mail_details_out(mail, message)


async def retry_mail(call: Call) -> wire.OutboundMailOut:
    """Retry a mail."""
    mail_id = uuid_of(call.path["id"], outbound_mail.KIND)
    call.body(wire.RetryIn)
    async with call.transaction() as tx:
        return outbound_mail_out(await outbound_mail.retry_mail(tx, call.actor, mail_id, now=call.now))


async def test_mail(call: Call) -> wire.OutboundMailOut:
    """Send a test message."""
    body = call.body(wire.MailTestIn)
    async with call.transaction() as tx:
        known = await outbound_mail.mail_settings(tx, call.services.settings)
        sent = await outbound_mail.send_test(tx, call.actor, body.recipient, now=call.now, settings=known)
    return outbound_mail_out(sent)


async def list_suppressions(call: Call) -> Page[wire.SuppressionOut]:
    """Return suppressed addresses."""
    after = paging.read_cursor(call, str)
    async with call.statement() as tx:
        page = await outbound_mail.list_suppressions(tx, call.actor, after=after, limit=call.query.limit + 1)
    return paging.page(call, page, lambda suppression: [suppression.address], suppression_out)


async def add_suppression(call: Call) -> wire.SuppressionOut:
    """Suppress an address."""
    body = call.body(wire.SuppressionIn)
    async with call.transaction() as tx:
        suppression = await outbound_mail.suppress(tx, call.actor, body.address, body.detail, now=call.now)
    call.location = f"{_SUPPRESSIONS}/{quote(suppression.address, safe='@')}"
    return suppression_out(suppression)


async def get_suppression(call: Call) -> wire.SuppressionOut:
    """Return a suppressed address."""
    async with call.statement() as tx:
        return suppression_out(await outbound_mail.get_suppression(tx, call.actor, call.path["address"]))


async def delete_suppression(call: Call) -> None:
    """Stop suppressing an address."""
    address = call.path["address"]
    async with call.transaction() as tx:
        call.check_if_match(suppression_out(await outbound_mail.lock_suppression(tx, call.actor, address)))
        await outbound_mail.unsuppress(tx, call.actor, address, now=call.now)


OPERATIONS = (
    Operation(
        "listOutboundMails", "GET", _MAILS, list_mails,
        "List outbound mail", "Newest first, of one state or about one ticket. Mail that was sent or failed 90 days "
        "ago is deleted, unless the provider sets another time. For the provider's people.",
        Scope.DESK_READ, Page[wire.OutboundMailOut], query=wire.OutboundMailQuery, errors=(400,),
    ),
    Operation(
        "testMail", "POST", _MAILS + "/test", test_mail,
        "Send a test message", "Queues a test message. Get the mail again to see whether it was sent. For admins.",
        Scope.DESK_WRITE, wire.OutboundMailOut, body=wire.MailTestIn,
    ),
    Operation(
        "getOutboundMail", "GET", _MAILS + "/{id}", get_mail,
        "Get an outbound mail", "With its headers and its text. For the provider's people.",
        Scope.DESK_READ, wire.OutboundMailWhole, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "retryOutboundMail", "POST", _MAILS + "/{id}/retry", retry_mail,
        "Retry a mail", "Sends a waiting, dead or bounced mail now, as if it were new. A mail that was sent, or is "
        "being sent, is not sent again, and nothing is sent to a suppressed address. For admins.",
        Scope.DESK_WRITE, wire.OutboundMailOut, body=wire.RetryIn, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "listMailSuppressions", "GET", _SUPPRESSIONS, list_suppressions,
        "List suppressed addresses", "Addresses that no mail is sent to, in alphabetical order. For the provider's "
        "people.",
        Scope.DESK_READ, Page[wire.SuppressionOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "addMailSuppression", "POST", _SUPPRESSIONS, add_suppression,
        "Suppress an address", "Sends no more mail to the address, in any case. Waiting mail becomes `dead`. For "
        "admins.",
        Scope.DESK_WRITE, wire.SuppressionOut, body=wire.SuppressionIn, status=201,
    ),
    Operation(
        "getMailSuppression", "GET", _SUPPRESSIONS + "/{address}", get_suppression,
        "Get a suppressed address", "With the reason and the time. For the provider's people.",
        Scope.DESK_READ, wire.SuppressionOut, path_parameters=_ADDRESS, errors=(404,),
    ),
    Operation(
        "deleteMailSuppression", "DELETE", _SUPPRESSIONS + "/{address}", delete_suppression,
        "Stop suppressing an address", "Mail that is dead stays dead; retry it if it is still relevant. For admins.",
        Scope.DESK_WRITE, None, path_parameters=_ADDRESS, errors=(404,), status=204, conditional=True,
    ),
)  # fmt: skip
