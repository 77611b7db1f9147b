"""House API v1: the tiers of companies and services."""

from clearline.accounts.tiers import usecases as tiers
from clearline.accounts.tiers.domain import KEY_PATTERN
from clearline.identity import Scope
from clearline.wires.house.accounts import wire
from clearline.wires.house.accounts.mapping import tier_out
from clearline.wires.house.records import change_record, get_record, list_records
from clearline.wires.house.wire import Page, PageQuery, set_fields
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

TIERS = "/api/v1/tiers"
_TIER = {"key": {"description": "The tier's key.", "schema": {"type": "string", "pattern": f"^{KEY_PATTERN}$"}}}


def _key_of(position: int, key: str) -> tuple[int, str]:
    return position, key


async def list_tiers(call: Call) -> Page[wire.TierOut]:
    """List the tiers by position."""
    return await list_records(call, (), tiers.list_tiers, _key_of, lambda tier: [tier.position, tier.key], tier_out)


async def create_tier(call: Call) -> wire.TierOut:
    """Add a tier."""
    body = call.body(wire.TierIn)
    async with call.transaction() as tx:
        tier = await tiers.add_tier(
            tx, call.actor, body.key, body.label, help_text=body.help, position=body.position, now=call.now
        )
    call.location = f"{TIERS}/{tier.key}"
    return tier_out(tier)


async def get_tier(call: Call) -> wire.TierOut:
    """Return a tier."""
    return await get_record(call, (call.path["key"],), tiers.get_tier, tier_out)


async def change_tier(call: Call) -> wire.TierOut:
    """Change a tier."""
    values = set_fields(call.body(wire.TierPatch))
    return await change_record(call, (call.path["key"],), values, tiers.lock_tier, tiers.change_tier, tier_out)


OPERATIONS = (
    Operation(
        "listTiers", "GET", TIERS, list_tiers,
        "List tiers", "Returns how the provider classes customers and services, by position. For the provider's "
        "people.",
        Scope.ACCOUNTS_READ, Page[wire.TierOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "createTier", "POST", TIERS, create_tier,
        "Add a tier", "For the provider's admins.",
        Scope.ACCOUNTS_WRITE, wire.TierOut, body=wire.TierIn, status=201,
    ),
    Operation(
        "getTier", "GET", TIERS + "/{key}", get_tier,
        "Get a tier", "For the provider's people.",
        Scope.ACCOUNTS_READ, wire.TierOut, path_parameters=_TIER, errors=(404,),
    ),
    Operation(
        "changeTier", "PATCH", TIERS + "/{key}", change_tier,
        "Change a tier", "Sets the values in the merge-patch. A tier is retired with `is_active: false`: it can be set "
        "no more, and what has it keeps it. For the provider's admins.",
        Scope.ACCOUNTS_WRITE, wire.TierOut, body=wire.TierPatch, path_parameters=_TIER, errors=(404,), conditional=True,
    ),
)  # fmt: skip
