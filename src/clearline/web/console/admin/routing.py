"""Routing rules: which queue a new ticket goes to, in which order they are asked, and a try of them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.catalogue.assessment import Priority
from clearline.catalogue.domain import Catalogue, Entry
from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.routing import rule_usecases as rules
from clearline.routing import usecases as routing
from clearline.routing.domain import INACTIVE
from clearline.routing.rule_store import RuleDetails
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.console.admin.sidebar import admin_sidebar
from clearline.web.console.people import all_queues
from clearline.web.fields import id_in, lines_in, member_in, members_in, pairs_in, whole_number
from clearline.web.looks import PRIORITIES
from clearline.web.records.form import Choice, Field, Kind, Line, Outcome, Values, typed_values
from clearline.web.visit import Form, Page, Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

_POSITION_MAX = 10_000


class Routing(AdminSection[RuleDetails]):
    """The section of routing rules."""

    noun = "routingRule"
    path = f"{ADMIN}/routing"
    scope = Scope.DESK_WRITE
    template = "console/admin/routing.html"

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Routing rules"),
            "new": gettext("New rule"),
            "about": gettext("The first active rule whose conditions all hold chooses the queue of a new ticket."),
            "about delete": gettext("Tickets that the rule routed stay in their queues."),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
            "done delete": gettext("Deleted."),
            "done up": gettext("Moved up."),
            "done down": gettext("Moved down."),
        }

    def pages(self) -> list[Page]:
        """Return the pages of the section."""
        return [
            Page("showRoutingTry", "GET", f"{self.path}/try", show_try, self.scope),
            Page("tryRoutingRules", "POST", f"{self.path}/try", try_rules, self.scope),
            *super().pages(),
            self.action("moveRuleUp", "up", _move_up),
            self.action("moveRuleDown", "down", _move_down),
        ]

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the rules in their order."""
        listed = await rules.list_rules(tx, visit.actor, after=after[0] if after else None, limit=limit)
        return [
            Line(
                str(details.rule.id), f"{details.rule.position}. {details.rule.name}", [details.rule.position],
                gettext("to %(queue)s") % {"queue": details.queue_name}, _chip(details),
            )
            for details in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: RuleDetails | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a rule."""
        queues = [Choice(str(queue.id), queue.name) for queue in await all_queues(tx, visit.actor)]
        return [
            Field("name", gettext("Name"), is_required=True),
            Field(
                "queue_id", gettext("Queue"), Kind.SELECT, queues,
                hint="" if queues else gettext("There is none yet: add it under Queues first."),
            ),
            Field("is_active", gettext("Active"), Kind.CHECK),
            Field(
                "position", gettext("Position"), Kind.NUMBER,
                hint=gettext("Rules are asked from 1 on. A new rule without a position becomes the last."),
            ),
            Field("issue_types", gettext("Issue is one of"), Kind.CHECKS, _choices(visit.catalogue.issue_types)),
            Field(
                "service_types", gettext("Service is one of"), Kind.CHECKS,
                _choices(visit.catalogue.service_types),
            ),
            Field(
                "priorities", gettext("Priority is one of"), Kind.CHECKS,
                [Choice(value, gettext(look.label)) for value, look in PRIORITIES.items()],
            ),
            Field(
                "company_ids", gettext("Customer is one of"), Kind.AREA,
                hint=gettext("Names, customer codes or ids, each on a line of its own."),
            ),
            Field(
                "keywords", gettext("Title or description has one of"), Kind.AREA,
                hint=gettext("Words or sequences of words, each on a line of its own. What is empty is no condition."),
            ),
            Field(
                "fields", gettext("Own fields have"), Kind.AREA,
                hint=gettext(
                    "Key and value as in a search, a line each; all must hold: region:emea,apac or size:>20."
                ),
            ),
        ]  # fmt: skip

    def values(self, record: RuleDetails) -> Values:
        """Return what the fields of a rule have."""
        rule = record.rule
        return {
            "name": [rule.name],
            "queue_id": [str(rule.queue_id)],
            "is_active": ["on"] if rule.is_active else [],
            "position": [str(rule.position)],
            "issue_types": sorted(rule.issue_types),
            "service_types": sorted(rule.service_types),
            "priorities": sorted(rule.priorities),
            "company_ids": ["\n".join(map(str, rule.company_ids))],
            "keywords": ["\n".join(rule.keywords)],
            "fields": ["\n".join(rule.fields)],
        }

    def defaults(self, visit: Visit) -> Values:  # noqa: ARG002
        """Return what a new rule has."""
        return {"is_active": ["on"]}

    def title(self, record: RuleDetails) -> str:
        """Return the name of a rule."""
        return record.rule.name

    async def more(self, visit: Visit, tx: Tx, record: RuleDetails) -> dict[str, object]:
        """Return the names of the rule's customers, and whether there is a rule after it."""
        companies = [await accounts.get_company(tx, visit.actor, ref) for ref in record.rule.company_ids]
        following = await rules.list_rules(tx, visit.actor, after=record.rule.position, limit=1)
        return {"companies": companies, "is_last": not following}

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> RuleDetails:
        """Return a rule."""
        return await rules.get_rule(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> RuleDetails:
        """Lock a rule."""
        return await rules.lock_rule(tx, visit.actor, record_id)

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a rule."""
        values = await _values(tx, visit.actor, visit.form)
        position = values.pop("position", None)
        details = await rules.add_rule(tx, visit.actor, values, position=position, now=visit.now)
        return details.rule.id

    async def change(self, visit: Visit, tx: Tx, record: RuleDetails) -> None:
        """Change a rule."""
        values = await _values(tx, visit.actor, visit.form)
        await rules.change_rule(tx, visit.actor, record.rule.id, values, now=visit.now)

    async def delete(self, visit: Visit, tx: Tx, record: RuleDetails) -> None:
        """Delete a rule."""
        await rules.delete_rule(tx, visit.actor, record.rule.id, now=visit.now)


def _chip(details: RuleDetails) -> str:
    if not details.rule.is_active:
        return gettext("inactive")
    return gettext("gets no tickets") if details.shadowed_by is not None else ""


async def _values(tx: Tx, actor: Actor, form: Form) -> dict[str, Any]:
    """Return the values of a rule from its form; without ``position`` when the field is empty."""
    queue_id = id_in(form, "queue_id")
    if queue_id is None:
        raise InvalidInput([Violation("queue_id", "must be chosen: add a queue first", RuleCode.REQUIRED)])
    company_ids = [await _company(tx, actor, "company_ids", name) for name in lines_in(form, "company_ids")]
    values: dict[str, Any] = {
        "name": form.get("name").strip(),
        "queue_id": queue_id,
        "is_active": form.has("is_active"),
        "issue_types": tuple(form.all("issue_types")),
        "service_types": tuple(form.all("service_types")),
        "priorities": members_in(Priority, form, "priorities"),
        "company_ids": tuple(dict.fromkeys(company_ids)),
        "keywords": tuple(lines_in(form, "keywords")),
        "fields": tuple(lines_in(form, "fields")),
    }
    if text := form.get("position").strip():
        position = whole_number(text, digits=5)
        if position is None or not 1 <= position <= _POSITION_MAX:
            raise InvalidInput([Violation("position", "must be a whole number from 1 on", RuleCode.RANGE)])
        values["position"] = position
    return values


async def _company(tx: Tx, actor: Actor, field: str, name: str) -> UUID:
    try:
        return (await permissions.company_typed(tx, actor, name)).id
    except NotFound:
        rule = f"must name customers, and {name[:100]} is none"
        raise InvalidInput([Violation(field, rule, RuleCode.REFERENCE)]) from None


async def _move_up(visit: Visit, tx: Tx, details: RuleDetails) -> None:
    position = max(1, details.rule.position - 1)
    await rules.change_rule(tx, visit.actor, details.rule.id, {"position": position}, now=visit.now)


async def _move_down(visit: Visit, tx: Tx, details: RuleDetails) -> None:
    if await rules.list_rules(tx, visit.actor, after=details.rule.position, limit=1):
        position = details.rule.position + 1
        await rules.change_rule(tx, visit.actor, details.rule.id, {"position": position}, now=visit.now)


# --- A try of the rules.


def _choices(entries: Mapping[str, Entry]) -> list[Choice]:
    """Return the choices of types, also of those that are retired: tickets may have them."""
    return [Choice(entry.key, entry.name) for entry in entries.values()]


def _try_fields(catalogue: Catalogue) -> list[Field]:
    usual = Choice("", gettext("As the issue has"))
    return [
        Field("issue_type", gettext("Issue"), Kind.SELECT, _choices(catalogue.issue_types)),
        Field("service_type", gettext("Service"), Kind.SELECT, _choices(catalogue.service_types)),
        Field(
            "priority", gettext("Priority"), Kind.SELECT,
            [usual, *(Choice(value, gettext(look.label)) for value, look in PRIORITIES.items())],
        ),
        Field("company", gettext("Customer"), hint=gettext("Name, customer code or id.")),
        Field("title", gettext("Title")),
        Field("description", gettext("Description"), Kind.AREA),
        Field(
            "fields", gettext("Own fields"), Kind.AREA,
            hint=gettext("Key and value, each on a line of its own, as region=emea."),
        ),
    ]  # fmt: skip


async def show_try(visit: Visit) -> Answer:
    """Show the form of a ticket to try the rules with."""
    return await _try_page(visit, Outcome(), None)


async def try_rules(visit: Visit) -> Answer:
    """Show what the rules would do with a ticket, and why. Changes nothing."""
    form = visit.form
    try:
        async with visit.services.database.transaction() as tx:
            values: dict[str, Any] = {
                "issue_type": form.get("issue_type"),
                "service_type": form.get("service_type"),
                "title": form.get("title"),
                "description": form.get("description"),
            }
            if form.get("priority"):
                values["priority"] = member_in(Priority, form, "priority")
            if name := form.get("company").strip():
                values["company_id"] = await _company(tx, visit.actor, "company", name)
            values["fields"] = pairs_in(form, "fields")
            facts = await routing.facts_of(tx, visit.actor, None, values)
            preview = await routing.preview(tx, visit.actor, facts)
    except InvalidInput as error:
        problems = {violation.field.partition(".")[0]: violation.rule for violation in error.violations}
        return await _try_page(visit, Outcome(422, problems=problems, typed=form), None)
    return await _try_page(visit, Outcome(typed=form), preview)


async def _try_page(visit: Visit, outcome: Outcome, preview: routing.RoutingPreview | None) -> Answer:
    async with visit.services.database.transaction() as tx:
        side = await admin_sidebar(tx, visit.actor)
    return visit.page(
        "console/admin/routing_try.html", outcome.status, side=side, here=Routing.path,
        fields=_try_fields(visit.catalogue), outcome=outcome, preview=preview, labels=_labels(),
        values={} if outcome.typed is None else typed_values(outcome.typed),
    )  # fmt: skip


def _labels() -> dict[str, str]:
    """Return the words of the conditions that a rule can fail by."""
    return {
        "issue_types": gettext("issue"),
        "service_types": gettext("service"),
        "company_ids": gettext("customer"),
        "priorities": gettext("priority"),
        "keywords": gettext("words"),
        "fields": gettext("own fields"),
        INACTIVE: gettext("inactive"),
    }


ROUTING = Routing()
