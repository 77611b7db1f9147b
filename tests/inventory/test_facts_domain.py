"""Rates and VLANs as people write them."""

import pytest

from clearline.inventory.facts_domain import End, check_end, parse_rate, rate_text


@pytest.mark.parametrize(
    ("text", "rate", "shown"),
    [
        ("10G", 10_000_000_000, "10G"),
        ("10 Gbit/s", 10_000_000_000, "10G"),
        ("2.5m", 2_500_000, "2.5M"),
        ("1.544 Mbps", 1_544_000, "1.544M"),
        ("64k", 64_000, "64k"),
        ("64000", 64_000, "64k"),
        ("999", 999, "999"),
        ("1T", 1_000_000_000_000, "1T"),
        ("100000M", 100_000_000_000, "100G"),
    ],
)
def test_a_rate_is_read_and_shown(text: str, rate: int, shown: str) -> None:
    assert parse_rate(text) == rate
    assert rate_text(rate) == shown
    assert parse_rate(shown) == rate


@pytest.mark.parametrize("text", ["", "fast", "10 GB", "-1", "1.5", "0.0001k", "1,5G", "10G10", "\u0661"])
def test_a_text_that_is_no_rate_is_none(text: str) -> None:
    assert parse_rate(text) is None


@pytest.mark.parametrize(
    ("vlan", "is_valid"),
    [
        ("1", True), ("4094", True), ("100.200", True), ("10-19", True), ("10,20-30", True), ("100/200", True),
        ("0", False), ("4095", False), ("100.5000", False), ("", False), ("any", False), ("1 2", False),
        ("1," * 40 + "1", False), ("\u0661", False),
    ],
)  # fmt: skip
def test_a_vlan_has_ids_from_1_to_4094(vlan: str, is_valid: bool) -> None:  # noqa: FBT001 - a table
    assert (check_end("a_end", End(vlan=vlan)) == []) is is_valid
