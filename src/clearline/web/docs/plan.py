"""Which page of the reference has which operation and which schema of an OpenAPI document."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from clearline.web.docs.shapes import references

ERRORS = "/api/v1/problems"
"""The page of errors; below it is one for each kind of problem, to which the ``type`` of its answers leads."""
EVENTS = "/docs/webhooks"
_METHODS = ("get", "post", "put", "patch", "delete")
_FIRST_REFUSAL = "400"


class Wire(NamedTuple):
    """A wire with reference pages at ``path`` and below, which are made from its OpenAPI document at ``source``."""

    path: str
    source: str
    title: str
    document: Callable[[], dict[str, Any]]


class Operation(Struct, frozen=True):
    """An operation of a document, with its method and path."""

    method: str
    path: str
    described: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Its name, which is also its anchor."""
        return str(self.described["operationId"])

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return str(self.described["summary"])


class Resource(Struct, frozen=True):
    """A page of operations and schemas. One that belongs to no group of operations has schemas only."""

    path: str
    title: str
    about: str
    operations: tuple[Operation, ...]
    schemas: tuple[str, ...]


class Plan(Struct, frozen=True):
    """The pages of a wire.

    ``where`` has the address of each schema, ``written_in`` the operation whose section also defines a body that only
    it takes.
    """

    wire: Wire
    document: Mapping[str, Any]
    resources: tuple[Resource, ...]
    where: Mapping[str, str]
    written_in: Mapping[str, str]

    @property
    def schemas(self) -> Mapping[str, Any]:
        """The schemas of the document."""
        schemas: Mapping[str, Any] = self.document["components"]["schemas"]
        return schemas

    @property
    def is_split(self) -> bool:
        """Whether the wire has a page for each group of its operations."""
        return len(self.resources) > 1

    def resource(self, path: str) -> Resource:
        """Return the page at a path, which has nothing of this wire unless it is one of its own."""
        return next((page for page in self.resources if page.path == path), Resource(path, "", "", (), ()))


def plan_of(wire: Wire) -> Plan:
    """Return the pages of a wire: one for each tag of its operations; without tags, one for all of them.

    A schema is on the page whose operations reach it in the fewest steps, the first of several. Those that only errors
    and webhooks have are on the pages of these.
    """
    document = wire.document()
    groups = _groups(wire, document)
    steps = {path: _steps([_without_refusals(operation) for operation in operations], document)
             for path, (_title, operations) in groups.items()}  # fmt: skip
    if len(groups) > 1:
        paths = [item for methods in document["paths"].values() for item in methods.values()]
        refused = [answer for item in paths for status, answer in item["responses"].items() if status >= _FIRST_REFUSAL]
        steps = {ERRORS: _steps(refused, document), **steps, EVENTS: _steps([document.get("webhooks", {})], document)}
        groups[ERRORS] = ("", [])
        groups[EVENTS] = ("", [])
    else:
        (path,) = groups
        steps[path] = _steps([document["paths"]], document)
    about = {tag["name"]: tag["description"] for tag in document.get("tags", [])}
    home = {name: _home(name, steps) for name in document["components"]["schemas"]}
    resources = tuple(
        Resource(path, title, about.get(title, ""), tuple(operations), tuple(sorted(
            (name for name, at in home.items() if at == path), key=lambda name: steps[path][name])))
        for path, (title, operations) in groups.items()
    )  # fmt: skip
    where = {name: f"{path}#schema-{name}" for name, path in home.items()}
    return Plan(wire, document, resources, where, _written_in(document, resources))


def _groups(wire: Wire, document: Mapping[str, Any]) -> dict[str, tuple[str, list[Operation]]]:
    """Return title and operations of each page by its path, in the document's order."""
    tags = [tag["name"] for tag in document.get("tags", [])]
    paths = {tag: f"{wire.path}/{re.sub('[^a-z]+', '-', tag.lower())}" for tag in tags}
    groups: dict[str, tuple[str, list[Operation]]] = {path: (tag, []) for tag, path in paths.items()}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = Operation(method.upper(), path, methods[method])
                tag = next(iter(operation.described.get("tags", ())), None)
                page = wire.path if tag is None else paths[tag]
                groups.setdefault(page, (wire.title, []))[1].append(operation)
    return groups


def _without_refusals(operation: Operation) -> dict[str, Any]:
    answers = operation.described["responses"]
    kept = {status: answer for status, answer in answers.items() if status < _FIRST_REFUSAL}
    return {**operation.described, "responses": kept}


def _steps(nodes: Iterable[object], document: Mapping[str, Any]) -> dict[str, int]:
    """Return the schemas that parts of a document reach, with the number of references to each."""
    schemas = document["components"]["schemas"]
    steps: dict[str, int] = {}
    at, reached = 0, [name for node in nodes for name in references(node)]
    while reached:
        new = [name for name in dict.fromkeys(reached) if name not in steps]
        steps |= dict.fromkeys(new, at)
        at, reached = at + 1, [inner for name in new for inner in references(schemas[name])]
    return steps


def _home(name: str, steps: Mapping[str, Mapping[str, int]]) -> str:
    if name in steps.get(ERRORS, {}):
        return ERRORS
    pages = [path for path in steps if name in steps[path]]
    return min((path for path in pages if path != EVENTS), key=lambda path: steps[path][name], default=EVENTS)


def _written_in(document: Mapping[str, Any], resources: Iterable[Resource]) -> dict[str, str]:
    """Return the operation of each schema that is nothing but its body."""
    uses = [*references(document)]
    written = {}
    for resource in resources:
        for operation in resource.operations:
            bodies = {*references(operation.described.get("requestBody", {}))}
            for name in bodies:
                if uses.count(name) == 1 and name in resource.schemas:
                    written[name] = operation.id
    return written
