"""A mail while it arrives: byte for byte whatever the blocks are, and never more than the limits allow."""

import tempfile
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.mail.inbound.reception import arriving
from clearline.mail.inbound.reception.arriving import IN_MEMORY_MAX, LINE_MAX, ArrivingBytes, ArrivingMail

SIZE_MAX = 10_000_000


def stuffed(content: bytes) -> bytes:
    """Return a mail as a client sends it (RFC 5321, section 4.5.2)."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]


def receive(content: bytes, cuts: list[int], all_bytes: ArrivingBytes | None = None) -> bytes | str | None:
    """Return what is kept of a mail that arrives in blocks, or the reply that refuses it."""
    places = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts)})
    with ArrivingMail(all_bytes or ArrivingBytes(SIZE_MAX), SIZE_MAX) as mail:
        for begin, end in pairwise(places):
            mail.add(content[begin:end])
        return mail.refusal or mail.content()


@given(st.text(alphabet="\r\n.x", max_size=30).map(str.encode), st.lists(st.integers(0, 100), max_size=8))
def test_a_mail_is_kept_as_it_was_before_dots_were_added(content: bytes, cuts: list[int]) -> None:
    assert receive(stuffed(content), cuts) == content


@given(st.lists(st.integers(0, 3 * IN_MEMORY_MAX), max_size=5))
def test_a_long_mail_is_kept_the_same_in_a_file(cuts: list[int]) -> None:
    content = b".a line\r\n..\r\n\n" * (IN_MEMORY_MAX // 10)
    assert receive(stuffed(content), cuts) == content


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"x" * SIZE_MAX, "500 5.5.2 A line is longer than 262144 bytes"),
        (b"a\r\n" * 1_000_001, "552 5.3.4 The mail has more than 1000000 lines"),
        (b"a\n" * 1_000_001, "552 5.3.4 The mail has more than 1000000 lines"),
        (b"a\r" * 120_000 + b"a\r\n" * 900_000, "552 5.3.4 The mail has more than 1000000 lines"),
        ((b"x" * 98 + b"\r\n") * (SIZE_MAX // 100) + b"y", "552 5.3.4 The mail is larger than 10000000 bytes"),
    ],
)
def test_a_mail_beyond_a_limit_is_refused_and_no_longer_kept(content: bytes, status: str) -> None:
    all_bytes = ArrivingBytes(SIZE_MAX)
    assert receive(content, [*range(0, len(content), 50_000)], all_bytes) == status
    assert all_bytes.take(SIZE_MAX)


def test_lines_up_to_the_limits_are_accepted() -> None:
    for content in (b"x" * (LINE_MAX - 2) + b"\r\n", b"a\r\n" * 1_000_000):
        assert receive(content, [*range(0, len(content), 50_000)]) == content


def test_mails_together_are_refused_for_now_beyond_their_limit() -> None:
    all_bytes = ArrivingBytes(1000)
    with ArrivingMail(all_bytes, SIZE_MAX) as first:
        first.add(b"x" * 600)
        assert receive(b"y" * 600, [300], all_bytes) == "452 4.3.1 Too much mail is arriving; try again later"
        assert first.content() == b"x" * 600
    assert receive(b"y" * 600, [300], all_bytes) == b"y" * 600


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let temporary files be on a device that is full."""

    def on_full(_max_size: int) -> tempfile.SpooledTemporaryFile[bytes]:
        file = tempfile.SpooledTemporaryFile[bytes](0)
        file._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115, PTH123, SLF001 # type: ignore[attr-defined]
        return file

    monkeypatch.setattr(arriving, "SpooledTemporaryFile", {bytes: on_full})


@pytest.mark.usefixtures("full_disk")
def test_a_mail_is_refused_for_now_while_the_disk_is_full() -> None:
    assert receive(b"x" * 600, [300]) == "452 4.3.1 No space for the mail; try again later"
