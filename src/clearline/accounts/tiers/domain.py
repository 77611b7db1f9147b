"""Tiers: how a provider classes its customers and their services, such as gold and silver."""

import re

from msgspec import Struct

from clearline.errors import RuleCode, Violation
from clearline.text import check_text

KEY_MAX = 32
KEY_PATTERN = "[a-z][a-z0-9_]{0,31}"
LABEL_MAX = 64
HELP_MAX = 500
TIERS_MAX = 50
POSITION_MAX = 10_000
_KEY = re.compile(KEY_PATTERN)


class Tier(Struct, frozen=True):
    """A tier. ``key`` never changes; ``label`` and ``help`` are for people, in the order of ``position``.

    One that is not active can be set no more; companies and services that have it keep it.
    """

    key: str
    label: str
    help: str = ""
    position: int = 0
    is_active: bool = True

    @property
    def id(self) -> str:
        """The key: events name a tier by it."""
        return self.key

    @property
    def name(self) -> str:
        """The label, as events name a record."""
        return self.label


def check_tier(tier: Tier) -> list[Violation]:
    """Return the rules that a tier breaks."""
    violations = [
        *check_text("label", tier.label, most=LABEL_MAX),
        *check_text("help", tier.help, least=0, most=HELP_MAX),
    ]
    if _KEY.fullmatch(tier.key) is None:
        rule = f"must have at most {KEY_MAX} lower-case letters, digits and underscores, and begin with a letter"
        violations.insert(0, Violation("key", rule, RuleCode.FORMAT))
    if not 0 <= tier.position <= POSITION_MAX:
        violations.append(Violation("position", f"must be from 0 to {POSITION_MAX}", RuleCode.RANGE))
    return violations
