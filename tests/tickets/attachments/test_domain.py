import pytest

from clearline.errors import InvalidInput, MediaTypeRefused
from clearline.settings.defaults import ATTACHMENT_TYPES
from clearline.tickets.attachments.domain import Limits, NewAttachment, new_attachment
from clearline.tickets.note_domain import Visibility

PUBLIC = Visibility.PUBLIC
ANY = Limits(10, ("*",))


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("trace.pcap", "trace.pcap"),
        (".bashrc", ".bashrc"),
        ("a b; c=\"d\" 'e'.txt", "a b; c=\"d\" 'e'.txt"),
        ("Cafe\u0301.txt", "Caf\u00e9.txt"),
        ("\u65e5\u672c \U0001f469\u200d\U0001f4bb.txt", "\u65e5\u672c \U0001f469\u200d\U0001f4bb.txt"),
        ("n" * 255, "n" * 255),
        ("e\u0301" * 255, "\u00e9" * 255),
        ("..a", "..a"),
        ("C:\\fakepath\\levels.txt", "levels.txt"),
        ("/etc/passwd", "passwd"),
        ("..\\logs/router 7.log", "router 7.log"),
    ],
)
def test_a_name_without_its_path_is_stored_unchanged_in_unicode_nfc(name: str, stored: str) -> None:
    assert new_attachment(name, "text/plain", PUBLIC, ANY) == NewAttachment(stored, "text/plain", PUBLIC)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "must have 1 to 255 characters"),
        ("n" * 256, "must have 1 to 255 characters"),
        ("levels/", "must have 1 to 255 characters"),
        ("levels\\..", "must not be blank or only dots"),
        (".", "must not be blank or only dots"),
        ("..", "must not be blank or only dots"),
        (". . .", "must not be blank or only dots"),
        ("   ", "must not be blank or only dots"),
        ("\u3000\u200b", "must not be blank or only dots"),
        ("a\nb", "must not contain control characters or lone surrogates"),
        ("a\x00b", "must not contain control characters or lone surrogates"),
        ("a\x7fb", "must not contain control characters or lone surrogates"),
        ("a\x85b", "must not contain control characters or lone surrogates"),
        ("a\u2028b", "must not contain control characters or lone surrogates"),
        ("exe.\u202egnp", "must not contain control characters or lone surrogates"),
        ("a\u2066b", "must not contain control characters or lone surrogates"),
        ("a\udc80b", "must not contain control characters or lone surrogates"),
    ],
)
def test_a_misleading_name_is_refused(name: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        new_attachment(name, "text/plain", PUBLIC, ANY)
    assert [(violation.field, violation.rule) for violation in refused.value.violations] == [("name", rule)]


@pytest.mark.parametrize(
    ("media_type", "stored"),
    [
        (None, "application/octet-stream"),
        ("Text/Plain", "text/plain"),
        (" text/csv ; charset=utf-8; header=present", "text/csv"),
        ("application/vnd.tcpdump.pcap", "application/vnd.tcpdump.pcap"),
        ("image/svg+xml", "image/svg+xml"),
    ],
)
def test_a_media_type_is_stored_in_lower_case_without_parameters(media_type: str | None, stored: str) -> None:
    assert new_attachment("a", media_type, PUBLIC, Limits(10, ATTACHMENT_TYPES)).media_type == stored


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text",
        "text/",
        "/plain",
        "text/plain/x",
        "text/pl ain",
        "text/pl\r\nX: y",
        "*/*",
        "text/*",
        "text/" + "x" * 123,
    ],
)
def test_an_invalid_media_type_is_refused_even_when_all_types_are_allowed(media_type: str) -> None:
    with pytest.raises(MediaTypeRefused, match="must be a media type"):
        new_attachment("a", media_type, PUBLIC, ANY)


@pytest.mark.parametrize(
    ("allowed", "media_type", "is_accepted"),
    [
        (("text/plain",), "text/plain", True),
        (("text/plain",), "text/html", False),
        (("text/*",), "text/html", True),
        (("text/*",), "textual/html", False),
        (("*",), "x-odd/thing", True),
        (("image/png", "text/*"), "application/pdf", False),
        (ATTACHMENT_TYPES, "text/html", False),
        (ATTACHMENT_TYPES, "application/x-www-form-urlencoded", False),
    ],
)
def test_only_allowed_media_types_are_accepted(allowed: tuple[str, ...], media_type: str, *, is_accepted: bool) -> None:
    if is_accepted:
        assert new_attachment("a", media_type, PUBLIC, Limits(10, allowed)).media_type == media_type
        return
    with pytest.raises(MediaTypeRefused) as refused:
        new_attachment("a", media_type, PUBLIC, Limits(10, allowed))
    assert str(refused.value) == "media_type must be one of " + ", ".join(allowed)
