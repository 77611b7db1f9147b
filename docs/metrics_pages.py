"""The page of metrics: every family, from the table that the answer is made of."""

from collections.abc import Iterator

from markup import table

from clearline.metrics.families import FAMILIES, Family


def metrics() -> Iterator[str]:
    """Return the metrics of one server, then those of the desk."""
    for heading, of_desk in (("Of one server", False), ("Of the desk", True)):
        yield f"### {heading}"
        yield ""
        yield from table(
            ("metric", "type", "labels", "meaning"),
            [_row(family) for family in FAMILIES if family.of_desk == of_desk],
        )


def _row(family: Family) -> tuple[str, str, str, str]:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"`{family.exposed}`", str(family.kind), labels, family.about
