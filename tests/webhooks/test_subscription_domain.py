from datetime import UTC, datetime
from uuid import UUID

import pytest

from clearline.events.type_table import EVENT_TYPES
from clearline.webhooks.subscription_domain import URL_MAX, Subscription, check_subscription, check_url

AT = datetime(2026, 3, 1, tzinfo=UTC)


ID = UUID(int=1)


def subscription(url: str = "https://hooks.example.com/", types: tuple[str, ...] = ()) -> Subscription:
    return Subscription(ID, ID, url, "", types, True, None, 1, None, 0, None, None, None, AT, AT)


GOOD = (
    "https://hooks.example.com",
    "https://hooks.example.com/",
    "https://hooks.example.com:8443/a/b?c=d&e=%20",
    "https://hooks.example.com./",
    "https://" + "a" * 63 + ".example.com/",
    "https://8.8.8.8/x",
    "https://[2606:4700:4700::1111]/x",
    "https://hooks.example.com/a-._~!$&'()*+,;=:@/b%2F?c=d?e/f",
    "https://hooks.example.com?a=b",
)


BAD = (
    "", "hooks.example.com", "ftp://hooks.example.com/", "http://hooks.example.com/", "https://", "https:///x",
    "https://user@hooks.example.com/", "https://user:word@hooks.example.com/", "https://hooks.example.com/#part",
    "https://hooks.example.com:0/", "https://hooks.example.com:70000/", "https://hooks.example.com:x/",
    "https://hooks.example.com/a b", "https://hooks.example.com/\n", "https://h\u00f6oks.example.com/",
    "https://hooks.example.com\\@10.0.0.1/", "https://[::1/", "https://[10.0.0.1]:x/", "https://127.0.0.1/",
    "https://[::1]/", "https://10.0.0.1:8443/x", "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::a00:1]/", "http://8.8.8.8/", "https://hooks.example.com/" + "x" * URL_MAX, "javascript:1",
    "https://a..b/", "https://.example.com/", "https://../", "https://./", "https://" + "a" * 64 + ".example.com/",
    "https://" + "a." * 127 + "com/", "https://hooks.example.com/{a}", "https://hooks.example.com/a|b",
    "https://hooks.example.com/%", "https://hooks.example.com/%2", "https://hooks.example.com/?a[]=1",
    'https://hooks.example.com/"', "https://hooks.example.com/<a>", "https://hooks.example.com/a^b`c",
)  # fmt: skip


@pytest.mark.parametrize("url", GOOD)
def test_an_https_url_to_a_public_address_is_accepted(url: str) -> None:
    assert check_url(url, ()) == []


@pytest.mark.parametrize("url", BAD)
def test_any_other_url_is_refused(url: str) -> None:
    assert [violation.field for violation in check_url(url, ())] == ["url"]


@pytest.mark.parametrize(
    ("url", "is_accepted"),
    [
        ("http://10.20.0.7/", True),
        ("https://10.20.0.7/", True),
        ("http://hooks.example.com/", True),  # the address is checked when the name is resolved
        ("http://10.30.0.7/", False),
        ("https://10.30.0.7/", False),
        ("http://8.8.8.8/", False),
        ("http://[::ffff:10.20.0.7]/", True),
        ("http://[fd00::1]/", False),
    ],
)
def test_private_networks_are_reached_where_they_are_allowed(url: str, *, is_accepted: bool) -> None:
    assert (check_url(url, ("10.20.0.0/16",)) == []) is is_accepted


@pytest.mark.parametrize(
    ("types", "kind", "is_matched"),
    [
        ((), "ticket.created", True),
        (("ticket.created",), "ticket.created", True),
        (("ticket.created",), "ticket.created_twice", False),
        (("ticket.",), "ticket.created", True),
        (("ticket.",), "ticketing.created", False),
        (("note.", "user.changed"), "user.changed", True),
        (("note.", "user.changed"), "user.created", False),
    ],
)
def test_a_subscription_matches_its_types(types: tuple[str, ...], kind: str, *, is_matched: bool) -> None:
    assert subscription(types=types).wants(kind) is is_matched


@pytest.mark.parametrize(
    "types", [(kind,) for kind in ("ticket.created", "ticket.", "note.", "api_key.revoked", "user.")]
)
def test_known_types_and_their_prefixes_are_accepted(types: tuple[str, ...]) -> None:
    assert check_subscription(subscription(types=types), ()) == []


@pytest.mark.parametrize(
    "kind", ["", ".", "ticket", "ticket.*", "ticket.crea", "weather.", "weather.changed", "*", "ping", "team.revoked"]
)
def test_unknown_types_are_refused_by_their_index(kind: str) -> None:
    assert [violation.field for violation in check_subscription(subscription(types=("note.", kind)), ())] == ["types.1"]


def test_there_are_at_most_fifty_types() -> None:
    assert [violation.field for violation in check_subscription(subscription(types=("note.",) * 51), ())] == ["types"]


def test_types_of_events_about_tickets_are_accepted() -> None:
    for kind in ("ticket.created", "note.added", "attachment.removed", "ticket.watched", "subscription.changed"):
        assert check_subscription(subscription(types=(kind,)), ()) == []
    assert "" not in EVENT_TYPES
    assert "None" not in EVENT_TYPES


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_event_type_is_accepted(kind: str) -> None:
    assert check_subscription(subscription(types=(kind,)), ()) == []


def test_an_event_contains_only_the_origin_of_a_url() -> None:
    assert subscription("https://hooks.example.com:8443/secret?token=1").name == "https://hooks.example.com:8443"
