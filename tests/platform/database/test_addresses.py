"""The forms of an address, as libpq takes them."""

import pytest

from clearline.platform.database.addresses import Timing, parse_addresses
from clearline.platform.database.errors import DatabaseMisconfigured

USER = "desk:p%40ss"


@pytest.mark.parametrize(
    ("address", "urls", "names"),
    [
        (f"{USER}@db.example.net/desk", [f"{USER}@db.example.net:5432/desk"], ["db.example.net:5432"]),
        (
            f"{USER}@a.example.net,b.example.net:6432/desk?sslmode=require",
            [
                f"{USER}@a.example.net:5432/desk?sslmode=require",
                f"{USER}@b.example.net:6432/desk?sslmode=require",
            ],
            ["a.example.net:5432", "b.example.net:6432"],
        ),
        ("desk@[2001:db8::1],[2001:db8::2]:6432/desk", None, ["[2001:db8::1]:5432", "[2001:db8::2]:6432"]),
        ("/desk?host=a.example.net,b.example.net&port=5433", None, ["a.example.net:5433", "b.example.net:5433"]),
        ("/desk?host=a.example.net,b.example.net&port=1,2", None, ["a.example.net:1", "b.example.net:2"]),
        (
            "desk@/desk?host=%2Frun%2Fpostgresql",
            ["desk@/desk?host=%2Frun%2Fpostgresql&port=5432"],
            ["/run/postgresql/.s.PGSQL.5432"],
        ),
        ("desk@%2Frun%2Fpostgresql/desk", None, ["/run/postgresql/.s.PGSQL.5432"]),
        ("desk@/desk", ["desk@/desk"], ["its default address"]),
    ],
)
def test_every_form_of_an_address_is_split_into_its_servers(
    address: str, urls: list[str] | None, names: list[str]
) -> None:
    servers = parse_addresses(f"postgresql://{address}").servers
    assert [server.name for server in servers] == names
    if urls is not None:
        assert [server.url for server in servers] == [f"postgresql://{url}" for url in urls]


def test_the_primary_is_asked_for_unless_the_address_says_otherwise() -> None:
    assert parse_addresses("postgresql://a,b/desk").target == "primary"
    parsed = parse_addresses("postgresql://a,b/desk?target_session_attrs=any&application_name=x")
    assert parsed.target == "any"
    assert [server.url for server in parsed.servers] == [
        "postgresql://a:5432/desk?application_name=x",
        "postgresql://b:5432/desk?application_name=x",
    ]


def test_the_times_of_the_network_can_be_set() -> None:
    assert parse_addresses("postgresql://a/desk").timing == Timing(3, 10_000, 10, 3, 3)
    times = "connect_timeout=5&tcp_user_timeout=6000&keepalives_idle=7&keepalives_interval=8&keepalives_count=9"
    parsed = parse_addresses(f"postgresql://a/desk?{times}")
    assert parsed.timing == Timing(5, 6000, 7, 8, 9)
    assert parsed.servers[0].url == "postgresql://a:5432/desk"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("host=a,b,c&port=1,2", "3 hosts and 2 ports"),
        ("connect_timeout=soon", "connect_timeout in the address must be"),
    ],
)
def test_an_address_that_nobody_can_mean_is_refused(query: str, text: str) -> None:
    with pytest.raises(DatabaseMisconfigured, match=text):
        parse_addresses(f"postgresql:///desk?{query}")
