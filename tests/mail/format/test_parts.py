"""A mail in a mail is a file with the bytes that were received."""

import pytest

from clearline.mail.format.parts import parse

INNER = (
    b"Received: from a\r\n\tby b with ESMTP;\r\n  Sun, 1 Mar 2026 11:00:00 +0000\r\nSubject: " + b"x" * 200 + b" "
    b"y\r\nX-Blanks:   two  \r\nX-None:x\r\nX-Bytes: Gr\xfc\xdfe\r\nX-Words: =?utf-8?q?a?=\r\n =?utf-8?q?b?=\r\n"
    b'Content-Type: multipart/mixed;\r\n boundary="in"\r\nMIME-Version: 1.0\r\n\r\npreamble \r\n'
    b"--in\r\nContent-Type: text/plain; charset=latin1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"From me: Gr\xfc\xdfe  \r\n.\r\n\r\n"
    b"--in\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\nBB==\r\n\r\n"
    b"--in--\r\nepilogue\r\n"
)
PLAIN = b"Subject: Fibre cut\r\nFrom: noc@example.org\r\n\r\nCut at 10:00. \r\n\r\n\r\nBo\r\n"


@pytest.mark.parametrize("linesep", [b"\r\n", b"\n"])
@pytest.mark.parametrize("inner", [INNER, PLAIN, b"Subject: x\r\n\r\n", b"Subject: x\r\n\r\nno end of the line"])
def test_a_mail_in_a_mail_keeps_its_bytes(inner: bytes, linesep: bytes) -> None:
    outer = (
        b"Content-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\nContent-Type: text/plain\r\n\r\nSee the mail.\r\n"
        b"--out\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n" + inner + b"\r\n--out--\r\n"
    )
    parsed = parse(outer.replace(b"\r\n", linesep))
    [file] = parsed.files
    assert (parsed.text, file.media_type) == ("See the mail.", "message/rfc822")
    assert file.content == inner.replace(b"\r\n", linesep)


def file_with(headers: bytes) -> tuple[str, str, bytes]:
    """Return the only file of a mail whose second part has these headers."""
    [file] = parse(
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee the file.\n--b\n"
        + headers
        + b"\n\n"
        b"data\n--b--\n"
    ).files
    return file.name, file.media_type, file.content


@pytest.mark.parametrize("kind", [b"application/ms-tnef", b"application/vnd.ms-tnef"])
def test_the_file_of_outlook_is_kept_under_its_name(kind: bytes) -> None:
    assert file_with(b"Content-Type: " + kind) == ("winmail.dat", "application/octet-stream", b"data")
    named = file_with(b"Content-Type: " + kind + b'; name="Winmail.dat"')
    assert named == ("Winmail.dat", "application/octet-stream", b"data")
