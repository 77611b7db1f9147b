"""Metrics as Prometheus reads them."""

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

OPENMETRICS = "application/openmetrics-text;version=1.0.0"


def parsed(text: str) -> dict[str, Metric]:
    """Return the families of an answer in OpenMetrics, which the parser of the library accepts, by their names."""
    return {family.name: family for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]


def values(text: str, sample: str) -> dict[tuple[str, ...], float]:
    """Return the values of a sample by those of its labels, which are in the order of their names."""
    return {
        tuple(value for _name, value in sorted(found.labels.items())): found.value
        for family in parsed(text).values()
        for found in family.samples
        if found.name == sample
    }


def total(text: str, sample: str, **labels: str) -> float:
    """Return the sum of a sample over all series that have these labels."""
    return sum(
        found.value
        for family in parsed(text).values()
        for found in family.samples
        if found.name == sample and labels.items() <= found.labels.items()
    )
