"""The texts of mail: change them, preview them, send a test, and go back to the shipped ones."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from clearline.errors import Conflict, InvalidInput
from clearline.identity import Scope
from clearline.language.languages import LANGUAGES
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.templates import usecases as mail_templates
from clearline.mail.templates.domain import MailTemplate
from clearline.mail.templates.kinds import KINDS
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.language.refusals import refusal_text, rule_text
from clearline.web.records.form import Field, Kind, Line, Values
from clearline.web.templating import render
from clearline.web.visit import Page, Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer, Headers

_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; sandbox"
_POLICY = f"{_NOTHING}; style-src 'unsafe-inline'; frame-ancestors 'self'"
_HEADERS: Headers = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
"""A mail as HTML has styles of its own, and is shown in a frame of the page only, without scripts, forms and links."""
_TEXT = "text"


class MailTemplates(AdminSection[MailTemplate]):
    """The section of the texts of mail. The id of one is its kind and its language."""

    noun = "mailTemplate"
    path = f"{ADMIN}/mail-templates"
    scope = Scope.DESK_WRITE
    template = "console/admin/mail/templates.html"
    can_create = False
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Mail templates"),
            "about": gettext("The texts of the mails that customers and your people get, in each language."),
            "done change": gettext("Saved. Mail that is written from now on has this text."),
            "done restore": gettext("The shipped text is sent again."),
        }

    def pages(self) -> list[Page]:
        """Return the pages of the section."""
        preview, test = f"{self.path}/{{id}}/preview", f"{self.path}/{{id}}/test"
        return [
            *super().pages(),
            self.action("restoreMailTemplate", "restore", _restore),
            Page("showMailPreview", "GET", preview, self.handle_preview, self.scope),
            Page("previewMailTemplate", "POST", preview, self.handle_preview, self.scope),
            Page("testMailTemplate", "POST", test, self.handle_test, self.scope),
        ]

    def states(self) -> Sequence[tuple[str, str]]:
        """Return the languages."""
        return [*LANGUAGES.items()]

    def state(self, visit: Visit) -> str:
        """Return the language of the list: that of the opened text."""
        return visit.path["id"].rpartition(".")[2] if "id" in visit.path else super().state(visit)

    def record_id(self, visit: Visit) -> str:
        """Return the kind and the language in the address."""
        return visit.path["id"]

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:  # noqa: ARG002
        """Return the texts of a language."""
        listed = await mail_templates.list_templates(tx, visit.actor, after=None, limit=limit)
        return [
            Line(each.id, KINDS[each.kind].title, [each.id], KINDS[each.kind].about, _chip(each))
            for each in listed
            if each.language == self.state(visit)
        ]

    async def fields(self, visit: Visit, tx: Tx, record: MailTemplate | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a text."""
        subject = gettext("Some mail programs only group mails of one subject: keep {{ ticket.title }} alone in it.")
        body = gettext("Markdown. An empty line begins a paragraph, # a heading.")
        body += " " + gettext("A paragraph with an empty placeholder is left out.")
        has_ticket = record is not None and KINDS[record.kind].placeholder("ticket.title") is not None
        return [
            Field("subject", gettext("Subject"), hint=subject if has_ticket else "", is_required=True),
            Field("body", gettext("Text"), Kind.AREA, hint=body, is_required=True),
        ]

    def values(self, record: MailTemplate) -> Values:
        """Return what the fields of a text have."""
        return {"subject": [record.text.subject], "body": [record.text.body]}

    def title(self, record: MailTemplate) -> str:
        """Return what a text is called."""
        return f"{KINDS[record.kind].title} · {LANGUAGES[record.language]}"

    async def more(self, visit: Visit, tx: Tx, record: MailTemplate) -> dict[str, object]:  # noqa: ARG002
        """Return the placeholders, and what is wrong with a stored text."""
        broken = [f"{problem.field} {problem.rule}" for problem in record.problems]
        return {"row": KINDS[record.kind], "broken": broken}

    async def get(self, visit: Visit, tx: Tx, record_id: str) -> MailTemplate:
        """Return a text."""
        return await mail_templates.get_template(tx, visit.actor, *mail_templates.kind_and_language(record_id))

    async def lock(self, visit: Visit, tx: Tx, record_id: str) -> MailTemplate:
        """Lock a text."""
        return await mail_templates.lock_template(tx, visit.actor, *mail_templates.kind_and_language(record_id))

    async def change(self, visit: Visit, tx: Tx, record: MailTemplate) -> None:
        """Change a text."""
        values = _typed(visit)
        await mail_templates.change_template(tx, visit.actor, record.kind, record.language, values, now=visit.now)

    async def handle_preview(self, visit: Visit) -> Answer:
        """Show a mail with sample values in the frame of the page: what is typed, or else what is stored."""
        values = _typed(visit) if visit.form.has("subject") else {}

        async def work(tx: Tx) -> str:
            mail = await mail_templates.preview_template(
                tx,
                visit.actor,
                *mail_templates.kind_and_language(self.record_id(visit)),
                values,
                render=visit.services.render_mail,
                link=visit.services.settings.page_url,
            )
            if visit.query.get("part") == _TEXT or visit.form.get("part") == _TEXT or mail.html is None:
                return render("console/admin/mail/preview.html", text=f"{mail.subject}\n\n{mail.text}")
            return mail.html

        return await _in_frame(visit, work)

    async def handle_test(self, visit: Visit) -> Answer:
        """Send what is typed to the admin, with sample values."""
        services = visit.services

        async def work(tx: Tx) -> str:
            settings = await outbound_mail.mail_settings(tx, services.settings)
            mail = await outbound_mail.send_template_test(
                tx, visit.actor, mail_templates.kind_and_language(self.record_id(visit)), _typed(visit),
                render=services.render_mail, now=visit.now, settings=settings,
            )  # fmt: skip
            done = gettext("A test is on its way to %(address)s.") % {"address": mail.recipient}
            return render("console/admin/mail/preview.html", done=done)

        return await _in_frame(visit, work)


async def _in_frame(visit: Visit, work: Callable[[Tx], Awaitable[str]]) -> Answer:
    """Return a page for the frame; what is wrong with the text stands in it."""
    try:
        async with visit.database.transaction() as tx:
            return Answer(200, (await work(tx)).encode(), _HEADERS)
    except InvalidInput as error:
        labels = {"subject": gettext("Subject"), "body": gettext("Text")}
        problems = [f"{labels[violation.field]}: {rule_text(violation)}" for violation in error.violations]
    except Conflict as error:
        return Answer(409, render("console/admin/mail/preview.html", done=refusal_text(error)).encode(), _HEADERS)
    return Answer(422, render("console/admin/mail/preview.html", problems=problems).encode(), _HEADERS)


async def _restore(visit: Visit, tx: Tx, record: MailTemplate) -> None:
    await mail_templates.restore_template(tx, visit.actor, record.kind, record.language, now=visit.now)


def _typed(visit: Visit) -> dict[str, str]:
    return {"subject": visit.form.get("subject"), "body": visit.form.get("body")}


def _chip(template: MailTemplate) -> str:
    if template.problems:
        return gettext("Not sent")
    if template.is_outdated:
        return gettext("Shipped text changed")
    return gettext("Edited") if template.stored is not None else ""


MAIL_TEMPLATES = MailTemplates()
