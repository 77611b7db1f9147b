"""What claims of identity providers mean here, and which settings are refused."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from clearline.errors import InvalidInput
from clearline.identity import Role
from clearline.sign_in.identity_providers.domain import (
    IdentityProvider,
    PersonRefused,
    check_provider,
    claims_of,
    is_within,
    role_of,
)
from clearline.sign_in.identity_providers.usecases import group_lines, roles_in_lines

PROVIDER = IdentityProvider(
    UUID("5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"), "Example ID", datetime(2026, 3, 1, tzinfo=UTC),
    issuer="https://id.example.com/realms/staff", client_id="the-desk", email_domains=("example.net",),
    group_roles={"admins": Role.ADMIN, "noc": Role.AGENT, "readers": Role.VIEWER},
)  # fmt: skip


def provider(**values: Any) -> IdentityProvider:
    return IdentityProvider(**{name: getattr(PROVIDER, name) for name in PROVIDER.__struct_fields__} | values)


@pytest.mark.parametrize(
    ("groups", "default", "role"),
    [
        ({"readers", "noc", "admins"}, None, Role.ADMIN), ({"readers", "noc"}, Role.ADMIN, Role.AGENT),
        ({"readers"}, None, Role.VIEWER), ({"NOC"}, None, None), (set(), None, None), (set(), Role.VIEWER, Role.VIEWER),
        ({"others"}, Role.AGENT, Role.AGENT),
    ],
)  # fmt: skip
def test_the_highest_role_of_the_groups_counts(groups: set[str], default: Role | None, role: Role | None) -> None:
    assert role_of(provider(default_role=default), frozenset(groups)) is role


@pytest.mark.parametrize(
    ("claim", "claims", "groups"),
    [
        ("groups", {"groups": ["a", "b"]}, {"a", "b"}), ("groups", {"groups": "a"}, {"a"}), ("groups", {}, set()),
        ("groups", {"groups": {"a": 1}}, set()), ("groups", {"groups": ["a", 7, None]}, {"a"}),
        ("realm_access.roles", {"realm_access": {"roles": ["a"]}}, {"a"}),
        ("realm_access.roles", {"realm_access": ["roles"]}, set()),
        ("https://example.com/groups", {"https://example.com/groups": ["a"]}, {"a"}),
    ],
)  # fmt: skip
def test_groups_are_read_from_the_claim(claim: str, claims: dict[str, Any], groups: set[str]) -> None:
    assert claims_of(provider(groups_claim=claim), {"sub": "1", **claims}, None).groups == groups


@pytest.mark.parametrize(
    ("issuer", "claims", "is_verified"),
    [
        ("https://id.example.com", {"email_verified": True}, True),
        ("https://id.example.com", {"email_verified": "true"}, True),
        ("https://id.example.com", {"email_verified": "yes"}, False),
        ("https://id.example.com", {"email_verified": []}, False),
        ("https://id.example.com", {"xms_edov": True}, False),
        ("https://login.microsoftonline.com/a-tenant/v2.0", {"xms_edov": True}, True),
        ("https://login.microsoftonline.com/a-tenant/v2.0", {"xms_edov": "1"}, True),
        ("https://login.microsoftonline.com/a-tenant/v2.0", {"xms_edov": False}, False),
        ("https://login.microsoftonline.com.example.org/", {"xms_edov": True}, False),
        ("https://login.microsoftonline.com/a-tenant/v2.0", {}, False),
    ],
)
def test_an_address_counts_when_it_is_verified(issuer: str, claims: dict[str, Any], *, is_verified: bool) -> None:
    read = claims_of(provider(issuer=issuer), {"sub": "1", "email": " ida@example.net ", **claims}, None)
    assert read.email == ("ida@example.net" if is_verified else "")


@pytest.mark.parametrize("subject", [None, "", 7, "x" * 256, "a\x00b", "\ud800"])
def test_a_subject_that_cannot_be_stored_is_refused(subject: object) -> None:
    with pytest.raises(PersonRefused):
        claims_of(PROVIDER, {"sub": subject}, None)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ida@example.net", True), ("IDA@EXAMPLE.NET", True), ("ida@sub.example.net", False),
        ("ida@example.org", False), ("ida@notexample.net", False), ("a@b@example.net", False),
        ("example.net", False), ("", False),
    ],
)  # fmt: skip
def test_an_address_is_within_its_own_domain_only(address: str, *, expected: bool) -> None:
    assert is_within(address, ["example.net"]) is expected


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"), ({"name": "x" * 256}, "name"), ({"client_id": ""}, "client_id"),
        ({"issuer": "id.example.com"}, "issuer"), ({"issuer": "ftp://id.example.com"}, "issuer"),
        ({"issuer": "https://id.example.com?a=b"}, "issuer"), ({"issuer": "https://id.example.com#a"}, "issuer"),
        ({"issuer": "https://a:b@id.example.com"}, "issuer"), ({"issuer": "https://id.example.com:port"}, "issuer"),
        ({"issuer": "https:///path"}, "issuer"), ({"issuer": "https://id.example.com/\x07"}, "issuer"),
        ({"email_domains": ()}, "email_domains"), ({"email_domains": ("example",)}, "email_domains"),
        ({"email_domains": ("@example.net",)}, "email_domains"),
        ({"email_domains": ("*.example.net",)}, "email_domains"),
        ({"scopes": ("a b",)}, "scopes"), ({"groups_claim": ""}, "groups_claim"), ({"group_roles": {}}, "group_roles"),
        ({"group_roles": {"": Role.AGENT}}, "group_roles"), ({"group_roles": {"a": Role.CUSTOMER}}, "group_roles"),
        ({"default_role": Role.CUSTOMER}, "default_role"), ({"default_role": Role.OPERATOR}, "default_role"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_work_is_refused(values: dict[str, Any], field: str) -> None:
    assert {violation.field for violation in check_provider(provider(**values))} == {field}
    assert check_provider(PROVIDER) == []


@pytest.mark.parametrize("lines", [["noc"], ["noc = boss"], ["noc = customer"], ["noc = agent", "noc=admin"], ["="]])
def test_a_line_without_a_group_and_a_role_is_refused(lines: list[str]) -> None:
    with pytest.raises(InvalidInput, match="each group once"):
        roles_in_lines(lines)


def test_groups_are_written_as_they_are_read() -> None:
    roles = {"z": Role.ADMIN, "a=b": Role.VIEWER, "b": Role.AGENT, "a": Role.AGENT}
    assert group_lines(roles) == ["z = admin", "a = agent", "b = agent", "a=b = viewer"]
    assert roles_in_lines(group_lines(roles)) == roles
