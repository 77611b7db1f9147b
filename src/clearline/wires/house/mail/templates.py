"""House API v1: the texts of mail."""

from typing import Any

from clearline.identity import Scope
from clearline.language.languages import LANGUAGES
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.templates import usecases as mail_templates
from clearline.mail.templates.domain import MailTemplate
from clearline.mail.templates.kinds import KINDS, MailKind
from clearline.wires.house.mail import template_wire as wire
from clearline.wires.house.mail.outbound_mapping import outbound_mail_out
from clearline.wires.house.mail.outbound_wire import OutboundMailOut
from clearline.wires.house.records import change_record, delete_record, get_record, list_records
from clearline.wires.house.wire import Page, PageQuery, set_fields
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_TEMPLATES = "/api/v1/mail-templates"
_ONE = _TEMPLATES + "/{id}"
_ID: dict[str, dict[str, Any]] = {
    "id": {
        "description": "The kind of mail and the language of the recipient, such as `ticket_received.en`.",
        "schema": {
            "type": "string",
            "enum": [f"{kind}.{language}" for kind in MailKind for language in LANGUAGES],
        },
    },
}


def _ids(call: Call) -> tuple[str, str]:
    return mail_templates.kind_and_language(call.path["id"])


def _summary_members(template: MailTemplate) -> dict[str, Any]:
    return {
        "id": template.id,
        "kind": template.kind,
        "language": template.language,
        "title": KINDS[template.kind].title,
        "subject": template.text.subject,
        "is_edited": template.stored is not None,
        "is_outdated": template.is_outdated,
        "problems": [f"{problem.field} {problem.rule}" for problem in template.problems],
    }


def _summary_out(template: MailTemplate) -> wire.MailTemplateSummary:
    return wire.MailTemplateSummary(**_summary_members(template))


def template_out(template: MailTemplate) -> wire.MailTemplateOut:
    """Return a text with all that is known of it."""
    row = KINDS[template.kind]
    return wire.MailTemplateOut(
        **_summary_members(template),
        body=template.text.body,
        about=row.about,
        changed_at=None if template.stored is None else template.stored.changed_at,
        shipped=wire.MailTextOut(template.shipped.subject, template.shipped.body),
        placeholders=[
            wire.PlaceholderOut(one.name, one.about, one.is_block, one.name in row.required) for one in row.placeholders
        ],
    )


async def list_templates(call: Call) -> Page[wire.MailTemplateSummary]:
    """List the texts of mail."""
    return await list_records(
        call,
        (),
        mail_templates.list_templates,
        lambda kind, language: (int(kind), int(language)),
        lambda template: [*mail_templates.place_of(template)],
        _summary_out,
    )


async def get_template(call: Call) -> wire.MailTemplateOut:
    """Return the text of a kind of mail in a language."""
    return await get_record(call, _ids(call), mail_templates.get_template, template_out)


async def change_template(call: Call) -> wire.MailTemplateOut:
    """Change a text."""
    values = set_fields(call.body(wire.MailTextPatch))
    lock, change = mail_templates.lock_template, mail_templates.change_template
    return await change_record(call, _ids(call), values, lock, change, template_out)


async def restore_template(call: Call) -> None:
    """Go back to the shipped text."""
    await delete_record(call, _ids(call), mail_templates.lock_template, mail_templates.restore_template, template_out)


async def preview_template(call: Call) -> wire.MailPreview:
    """Return a mail with sample values."""
    values, render = set_fields(call.body(wire.MailTextPatch)), call.services.render_mail
    async with call.transaction() as tx:
        mail = await mail_templates.preview_template(
            tx, call.actor, *_ids(call), values, render=render, link=call.services.settings.page_url
        )
    return wire.MailPreview(mail.subject, mail.text, mail.html or "")


async def test_template(call: Call) -> OutboundMailOut:
    """Send a mail with sample values to the person of the key."""
    values, services = set_fields(call.body(wire.MailTextPatch)), call.services
    async with call.transaction() as tx:
        settings = await outbound_mail.mail_settings(tx, services.settings)
        sent = await outbound_mail.send_template_test(
            tx, call.actor, _ids(call), values, render=services.render_mail, now=call.now, settings=settings
        )
    return outbound_mail_out(sent)


OPERATIONS = (
    Operation(
        "listMailTemplates", "GET", _TEMPLATES, list_templates,
        "List the texts of mail", "Every kind of mail in every language. For the provider's people.",
        Scope.DESK_READ, Page[wire.MailTemplateSummary], query=PageQuery, errors=(400,),
    ),
    Operation(
        "getMailTemplate", "GET", _ONE, get_template,
        "Get the text of a mail", "With the shipped text, and the placeholders that it may have. For the provider's "
        "people.",
        Scope.DESK_READ, wire.MailTemplateOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeMailTemplate", "PATCH", _ONE, change_template,
        "Change the text of a mail", "Sets the values in the merge-patch. It is used for mail that is written from "
        "then on. What is wrong is named with the number of its line. For admins.",
        Scope.DESK_WRITE, wire.MailTemplateOut, body=wire.MailTextPatch, path_parameters=_ID, errors=(404,),
        conditional=True,
    ),
    Operation(
        "restoreMailTemplate", "DELETE", _ONE, restore_template,
        "Go back to the shipped text", "Deletes what an admin wrote. For admins.",
        Scope.DESK_WRITE, None, path_parameters=_ID, errors=(404,), status=204, conditional=True,
    ),
    Operation(
        "previewMailTemplate", "POST", _ONE + "/preview", preview_template,
        "Preview the text of a mail", "Returns a mail with sample values, with the values in the body instead of the "
        "stored ones. Nothing is stored or sent. For admins.",
        Scope.DESK_WRITE, wire.MailPreview, body=wire.MailTextPatch, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "testMailTemplate", "POST", _ONE + "/test", test_template,
        "Send a test of the text of a mail", "Sends what `previewMailTemplate` returns to the person of the key. For "
        "admins.",
        Scope.DESK_WRITE, OutboundMailOut, body=wire.MailTextPatch, path_parameters=_ID, errors=(404, 409),
    ),
)  # fmt: skip
