"""The pages of the reference: which there are, and how each is rendered from the OpenAPI documents of the wires."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from http import HTTPStatus
from typing import Any, Protocol

from msgspec import Struct

from clearline.web.docs import snippets
from clearline.web.docs.literals import as_json
from clearline.web.docs.plan import ERRORS, EVENTS, Plan, Wire, plan_of
from clearline.web.docs.shapes import fields_of, reference
from clearline.web.docs.views import marked, operation_views, paragraphs, schema_views
from clearline.web.templating import render
from clearline.wires.http.body import BODY_MAX

START = "/docs"


class Kind(Protocol):
    """A kind of problem."""

    @property
    def code(self) -> str:
        """Its code, for programs."""

    @property
    def status(self) -> int:
        """The status of the answers that have it."""

    @property
    def title(self) -> str:
        """What happened."""

    @property
    def about(self) -> str:
        """What to do."""


class Catalogue(Struct, frozen=True):
    """What the pages say beside the documents: the kinds of problems, its address and its limits."""

    kinds: Collection[Kind]
    base_url: str
    rate_limit: int
    idempotency_hours: int


class Event(Struct, frozen=True):
    """A type of event on the page of webhooks: what it is, the schema of its body, and an example."""

    type: str
    about: str
    schema: str
    example: str


class Site:
    """The pages. The documents are read when the first of them is rendered."""

    def __init__(self, wires: Sequence[Wire], catalogue: Catalogue) -> None:
        self._wires = wires
        self._catalogue = catalogue

    @cached_property
    def plans(self) -> Sequence[Plan]:
        """The pages of each wire."""
        return [plan_of(wire) for wire in self._wires]

    @cached_property
    def templates(self) -> Mapping[str, str]:
        """The template of each page, by its path."""
        pages = {START: "docs/start.html", ERRORS: "docs/errors.html", EVENTS: "docs/webhooks.html"}
        pages |= {f"{ERRORS}/{kind.code}": "docs/error.html" for kind in self._catalogue.kinds}
        for plan in self.plans:
            pages |= {page.path: "docs/resource.html" for page in plan.resources if page.path not in pages}
            if plan.is_split:
                pages[plan.wire.path] = "docs/overview.html"
        return pages

    def render(self, path: str, slots: Mapping[str, str]) -> str:
        """Return a page. ``slots`` are texts that stand for what depends on the reader."""
        plan = next(
            (plan for plan in self.plans if plan.wire.path == path or plan.resource(path).title), self.plans[-1]
        )
        resource = plan.resource(path)
        return render(
            self.templates[path],
            path=path, plans=self.plans, plan=plan, where=plan.where, catalogue=self._catalogue,
            resource=resource, operations=operation_views(plan, resource), schemas=schema_views(plan, resource),
            events=events_of(plan), kinds_by_status=self._kinds_by_status, errors=ERRORS, webhooks=EVENTS, start=START,
            kind=next((kind for kind in self._catalogue.kinds if path == f"{ERRORS}/{kind.code}"), None),
            codes=[kind.code for kind in self._catalogue.kinds], types=[*self.plans[-1].document["webhooks"]],
            marked=marked, paragraphs=paragraphs, body_max=BODY_MAX, slots=slots, phrase=_phrase,
            **(self._snippets() if path in {START, ERRORS, EVENTS} else {}),
        )  # fmt: skip

    def _snippets(self) -> dict[str, Any]:
        """Return what only the pages that are no resource show."""
        first, last = self.plans[0], self.plans[-1]
        return {
            "fault": as_json(first.schemas["ErrorOut"]["examples"][0]),
            "problem": as_json(last.schemas["Problem"]["examples"][0]),
            "headers": header_fields(last),
            "paging": snippets.PAGING, "retries": snippets.RETRIES, "verify": snippets.VERIFY,
            "request": snippets.REQUEST,
        }  # fmt: skip

    @cached_property
    def _kinds_by_status(self) -> Mapping[int, Sequence[Kind]]:
        by_status: dict[int, list[Kind]] = {}
        for kind in sorted(self._catalogue.kinds, key=lambda kind: kind.status):
            by_status.setdefault(kind.status, []).append(kind)
        return by_status


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def events_of(plan: Plan) -> list[Event]:
    """Return the types of events of a document, in its order."""
    events = []
    for name, entry in plan.document.get("webhooks", {}).items():
        content: dict[str, Any] = entry["post"]["requestBody"]["content"]["application/json"]
        schema = reference(content["schema"]) or ""
        events.append(Event(name, _about(plan, schema, entry["post"]["summary"]), schema, as_json(content["example"])))
    return events


def _about(plan: Plan, schema: str, summary: str) -> str:
    """Return what an event is: what its own data say of themselves, or the summary where types share them."""
    body = plan.schemas[schema]["properties"]
    fact = reference(body["data"]["properties"].get("data", {})) if "const" in body["type"] else None
    return summary if fact is None else plan.schemas[fact]["description"]


def header_fields(plan: Plan) -> list[Any]:
    """Return the headers that every webhook has."""
    entry = next(iter(plan.document["webhooks"].values()))["post"]
    properties = {header["name"]: header["schema"] | {"description": header["description"]}
                  for header in entry["parameters"]}  # fmt: skip
    return fields_of({"properties": properties, "required": [*properties]})
