"""External ids: the numbers that other systems have for a ticket, by the name of the system."""

from clearline.errors import RuleCode, Violation
from clearline.text import check_text

EXTERNAL_IDS_MAX = 20
SYSTEM_MAX = 50
EXTERNAL_ID_MAX = 255


def check_external_ids(ids: dict[str, str]) -> list[Violation]:
    """Return the rules that external ids break: at most 20, names up to 50 characters, numbers up to 255."""
    violations = []
    if len(ids) > EXTERNAL_IDS_MAX:
        violations.append(Violation("external_ids", f"must be at most {EXTERNAL_IDS_MAX}", RuleCode.COUNT))
    for system, number in ids.items():
        violations += check_text("external_ids", system, most=SYSTEM_MAX)
        violations += check_text(f"external_ids.{system[:SYSTEM_MAX]}", number, most=EXTERNAL_ID_MAX)
    return violations
