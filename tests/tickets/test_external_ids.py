import pytest

from clearline.tickets.label_domain import EXTERNAL_IDS_MAX, check_external_ids


@pytest.mark.parametrize(
    ("ids", "fields"),
    [
        ({}, []),
        ({"snow": "INC1"}, []),
        ({"s" * 50: "x" * 255}, []),
        ({"": "x"}, ["external_ids"]),
        ({"s" * 51: "x"}, ["external_ids"]),
        ({"snow": ""}, ["external_ids.snow"]),
        ({"snow": "x" * 256}, ["external_ids.snow"]),
        ({"snow": "a\x00"}, ["external_ids.snow"]),
        ({"a\x00": "x"}, ["external_ids"]),
        ({f"s{index}": "x" for index in range(EXTERNAL_IDS_MAX)}, []),
        ({f"s{index}": "x" for index in range(EXTERNAL_IDS_MAX + 1)}, ["external_ids"]),
    ],
)
def test_references_to_other_systems_have_limits(ids: dict[str, str], fields: list[str]) -> None:
    assert [violation.field for violation in check_external_ids(ids)] == fields
