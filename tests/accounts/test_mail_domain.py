"""The names of mail domains, and which addresses are within them."""

from datetime import timedelta
from uuid import uuid4

import pytest

from clearline.accounts.mail_domain import (
    NAME_MAX,
    DomainState,
    MailDomain,
    check_domain,
    covers,
    domain_of_address,
    domains_above,
    next_check,
    normalized_domain,
    overlap,
)
from tests.builders.people import NOW


def domain(name: str, *, includes_subdomains: bool = False) -> MailDomain:
    return MailDomain(uuid4(), uuid4(), name, includes_subdomains, DomainState.VERIFIED, None, None, "token", NOW)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("example.com", "example.com"),
        ("Example.COM", "example.com"),
        (" example.com. ", "example.com"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("B\u00dcCHER.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.Example", "xn--bcher-kva.example"),
        ("\u4f8b\u3048.\u30c6\u30b9\u30c8", "xn--r8jz45g.xn--zckzah"),
        ("example\u3002com", "example.com"),
        ("stra\u00dfe.example", "xn--strae-oqa.example"),
        ("a.b-c.d1.example", "a.b-c.d1.example"),
        ("localhost", None),
        ("", None),
        (".", None),
        ("example..com", None),
        (".example.com", None),
        ("-a.example", None),
        ("a-.example", None),
        ("a_b.example", None),
        ("kim@example.com", None),
        ("@example.com", None),
        ("https://example.com", None),
        ("example.com/", None),
        ("*.example.com", None),
        ("192.0.2.1", None),
        ("[192.0.2.1]", None),
        ("2001:db8::1", None),
        ("xn--a.example", None),
        ("exa mple.com", None),
        ("a" * 64 + ".example", None),
        (".".join(["a" * 60] * 5), None),
    ],
)
def test_a_domain_is_compared_in_punycode_and_lower_case(text: str, name: str | None) -> None:
    assert normalized_domain(text) == name
    assert name is None or (len(name) <= NAME_MAX and normalized_domain(name) == name)


def test_the_domain_of_an_address_is_compared_like_a_domain() -> None:
    assert domain_of_address("Kim@Example.COM") == "example.com"
    assert domain_of_address("kim@b\u00fccher.example") == "xn--bcher-kva.example"
    assert domain_of_address("kim@localhost") is None
    assert domain_of_address("kim@[192.0.2.1]") is None


@pytest.mark.parametrize(
    ("address", "alone", "with_subdomains"),
    [
        ("kim@example.com", True, True),
        ("KIM@EXAMPLE.COM", True, True),
        ("kim@noc.example.com", False, True),
        ("kim@a.noc.example.com", False, True),
        ("kim@notexample.com", False, False),
        ("kim@example.com.example.org", False, False),
        ("kim@com", False, False),
        ("kim@example.org", False, False),
        ("example.com@example.org", False, False),
    ],
)
def test_subdomains_belong_to_a_domain_only_if_that_is_said(
    address: str, *, alone: bool, with_subdomains: bool
) -> None:
    assert covers(domain("example.com"), address) is alone
    assert covers(domain("example.com", includes_subdomains=True), address) is with_subdomains


def test_domains_overlap_that_have_addresses_in_common() -> None:
    parent, whole = domain("example.com"), domain("example.com", includes_subdomains=True)
    child, other = domain("noc.example.com"), domain("notexample.com")
    assert overlap(parent, whole)
    assert not overlap(parent, child)
    assert overlap(whole, child)
    assert overlap(child, whole)
    assert not overlap(whole, other)


def test_the_domains_above_a_domain_begin_with_itself_and_leave_out_the_top_level() -> None:
    assert domains_above("a.b.example.com") == ["a.b.example.com", "b.example.com", "example.com"]


@pytest.mark.parametrize("name", ["gmail.com", "GMail.com", "outlook.com.", "mail.yahoo.co.uk", "qq.com", "web.de"])
def test_a_public_mail_service_is_refused_unless_somebody_insists(name: str) -> None:
    [violation] = check_domain(name, allows_public=False)
    assert (violation.field, "public mail service" in violation.rule) == ("name", True)
    assert check_domain(name, allows_public=True) == []


@pytest.mark.parametrize("name", ["co.uk", "com.au", "CO.JP", "org.nz", "localhost", "com"])
def test_what_registries_register_below_is_no_domain_of_a_company(name: str) -> None:
    assert len(check_domain(name, allows_public=True)) == 1


@pytest.mark.parametrize("name", ["example.co.uk", "hp.de", "example.com", "gmail.com.example.org", "notgmail.com"])
def test_a_registered_domain_is_accepted(name: str) -> None:
    assert check_domain(name, allows_public=False) == []


def test_a_pending_domain_is_checked_less_and_less_often_for_a_week() -> None:
    minute, hour, day = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
    for waited, pause in ((0 * hour, minute), (hour, 15 * minute), (day, hour), (7 * day - hour, hour)):
        assert next_check(NOW - waited, NOW) == NOW + pause
    assert next_check(NOW - 7 * day, NOW) is None
