"""Every label of a charset means what it means to browsers, and a damaged byte damages one character."""

from time import process_time

import pytest

from clearline.mail.format.charset import decode
from clearline.mail.format.headers import read_headers
from clearline.mail.format.parts import parse
from tests.patience import stretched

LABELS = [
    ("shift_jis", "cp932", "①日本"), ("windows-31j", "cp932", "①日本"), ("x-sjis", "cp932", "㈱髙"),
    ("ms932", "cp932", "Ⅲ"), ("cp932", "cp932", "①"), ("euc-kr", "cp949", "똠방각하"),
    ("ks_c_5601-1987", "cp949", "펲시콜라"), ("windows-949", "cp949", "뷁"), ("big5", "big5hkscs", "嘅香港"),
    ("big5-hkscs", "big5hkscs", "嚟"), ("latin1", "cp1252", "€ „Größe“"), ("cp949", "cp949", "뷁"),
    ("iso-8859-1", "cp1252", "€"), ("us-ascii", "utf-8", "Größe"), ("iso-8859-9", "cp1254", "€ ışğ"),
    ("x-gbk", "gb18030", "镕€"), ("gb2312", "gb18030", "镕𠀀"), ("gbk", "gb18030", "镕"),
    ("windows-874", "cp874", "ไทย€"), ("tis-620", "cp874", "ไทย…"), ("iso-8859-11", "cp874", "ไทย"),
    ("macintosh", "mac-roman", "Größe…"), ("x-mac-cyrillic", "mac-cyrillic", "Привет"),
    ("koi8-u", "koi8-u", "Київ"), ("koi8-r", "koi8-r", "Порт"), ("windows-1251", "cp1251", "Порт"),
    ("cp1251", "cp1251", "Порт"), ("iso-8859-8-i", "iso8859-8", "שלום"), ("logical", "iso8859-8", "שלום"),
    ("euc-jp", "euc_jis_2004", "①日本"), ("x-euc-jp", "euc_jis_2004", "復旧"), ("iso-8859-15", "iso8859-15", "€"),
    ("utf-16le", "utf-16-le", "Größe"), ("unicode", "utf-16-le", "Größe"), ("utf-7", "utf-7", "Größe"),
    ("ISO_8859-2", "iso8859-2", "Łódź"), ("utf8", "utf-8", "Łódź"), (' "UTF-8" ', "utf-8", "日本"),
    ("unicode-1-1-utf-8", "utf-8", "日本"), ("cp850", "cp850", "Größe"), ("hz-gb-2312", "hz", "端口"),
    ("iso-2022-kr", "iso2022_kr", "포트"), ("x-unknown", "utf-8", "日本"), ("zlib", "utf-8", "日本"),
    ("", "utf-8", "日本"),
]  # fmt: skip


@pytest.mark.parametrize(("label", "codec", "text"), LABELS)
def test_a_label_means_what_it_means_to_browsers(label: str, codec: str, text: str) -> None:
    assert decode(text.encode(codec), label) == text
    assert decode(text.encode(codec), label.upper()) == text


@pytest.mark.parametrize(("label", "codec", "text"), [each for each in LABELS if each[1] not in {"hz", "utf-7"}])
def test_a_damaged_byte_damages_one_character(label: str, codec: str, text: str) -> None:
    bad = {"utf-8": b"\xe2\x82", "gb18030": b"\xff", "utf-16-le": b"\x00\xd8"}.get(codec)
    if bad is None:
        bad = next((bytes([byte]) for byte in (0xFF, 0xA0, 0x81, 0x98) if _is_invalid(bytes([byte]), codec)), None)
    if bad is not None:
        assert decode(f"{text}\n".encode(codec) + bad, label) == f"{text}\n\ufffd"
        if codec == "utf-8":
            assert decode(text.encode() + bad + b" is up", label) == f"{text}\ufffd is up"


def _is_invalid(content: bytes, codec: str) -> bool:
    try:
        content.decode(codec)
    except UnicodeError:
        return True
    return False


@pytest.mark.parametrize(
    ("content", "label", "text"),
    [
        ("Grüße aus Köln".encode() + b"\xe2\x82", "utf-8", "Grüße aus Köln\ufffd"),
        (b"Port 7 \xe2\x82", "utf-8", "Port 7 \ufffd"),
        (b"\xf0\x9f\x98 Port 7", "utf-8", "\ufffd Port 7"),
        ("Grüße".encode("latin-1"), "utf-8", "Grüße"),
        ("Grüße".encode("latin-1"), None, "Grüße"),
        ("Grüße".encode() + b"\xfc", None, "Grüße\ufffd"),
        (b"\xef\xbb\xbf" + "日本".encode(), "iso-8859-1", "日本"),
        (b"\xff\xfe" + "日本".encode("utf-16-le"), "utf-16", "日本"),
        (b"\xfe\xff" + "日本".encode("utf-16-be"), "utf-16", "日本"),
        (b"\x1b$B-!F|K\\\x1b(B ok", "iso-2022-jp", "①日本 ok"),
        (b"\x1b$BF|K\\\x1b(J ok \x1b(I6E\x1b(B!", "iso-2022-jp", "日本 ok ｶﾅ!"),
        (b"\x1b$BF|K\\\x1b(B \xff.", "iso-2022-jp", "日本 \uf8f3."),
        (b"\x1b$BF|K\\F", "iso-2022-jp", "日本\ufffd"),
        ("日本".encode("utf-32"), "utf-32", "日本"),
        ("日本".encode("utf-32-be"), "utf-32", "日本"),
        ("日本".encode("utf-32-le"), "utf-32le", "日本"),
        (b"\xed\xa0\xbd\xed\xb8\x80 ok", "utf-8", "😀 ok"),
        (b"\xed\xa0\xbd\xed\xb8\x80 Gr\xc3\xbc\xc3\x9fe \xe2\x82", "utf-8", "😀 Grüße \ufffd"),
    ],
)
def test_bytes_are_read_as_what_they_are(content: bytes, label: str | None, text: str) -> None:
    assert decode(content, label) == text


@pytest.mark.parametrize(
    ("declared", "meta", "text"),
    [
        ("", '<meta charset="shift_jis">', "①"),
        ("", '<meta http-equiv="Content-Type" content="text/html; charset=windows-31j">', "①"),
        ("; charset=x-unknown", "<META CHARSET=shift_jis />", "①"),
        ("; charset=shift_jis", '<meta charset="utf-8">', "①"),
    ],
)
def test_html_may_declare_its_charset(declared: str, meta: str, text: str) -> None:
    raw = f"Content-Type: text/html{declared}\n\n<html><head>{meta}</head><body><p>{text}</p></body></html>"
    assert parse(raw.encode("cp932")).text == text


@pytest.mark.parametrize(
    "parameter",
    [
        "filename*=shift_jis''%87%40.txt",
        "filename*=windows-31j'ja'%87%40.txt",
        "filename*0*=x-sjis''%87; filename*1*=%40; filename*2=.txt",
        "filename*=utf-8''%E2%91%A0.txt",
        'filename="=?shift_jis?B?h0A=?=.txt"',
        'filename="=?windows-31j?Q?=87=40?=.txt"',
    ],
)
def test_names_of_files_have_charsets_of_their_own(parameter: str) -> None:
    raw = f"Content-Type: text/plain\nContent-Disposition: attachment; {parameter}\n\nx"
    assert [file.name for file in parse(raw.encode()).files] == ["①.txt"]


def test_a_name_with_a_damaged_byte_keeps_the_rest() -> None:
    raw = b"Content-Type: text/plain\nContent-Disposition: attachment; filename*=utf-8''K%C3%B6ln%E2%82.txt\n\nx"
    assert [file.name for file in parse(raw).files] == ["Köln\ufffd.txt"]


@pytest.mark.parametrize(
    ("declared", "source", "charset"),
    [
        ("", '<meta charset="windows-1251">{}', "cp1251"),
        ("; charset=us-ascii", '<meta charset="windows-1251">{}', "cp1251"),
        ("; charset=unknown", '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">{}', "koi8-r"),
        ("; charset=utf-8", '<meta charset="windows-1251">{}', "cp1251"),
        ("; charset=utf-8", '<meta charset="windows-1251">{}', "utf-8"),
        ("; charset=koi8-r", '<meta charset="windows-1251">{}', "koi8-r"),
        ("", '<?xml version="1.0" encoding="windows-1251"?><p>{}</p>', "cp1251"),
        ("", "<meta charset=utf-16>{}", "utf-8"),
    ],
)
def test_html_declares_what_its_mail_does_not(declared: str, source: str, charset: str) -> None:
    raw = f"Content-Type: text/html{declared}\nContent-Transfer-Encoding: 8bit\n\n".encode()
    assert parse(raw + source.format("Порт не работает").encode(charset)).text == "Порт не работает"


@pytest.mark.parametrize(
    ("label", "charset"),
    [
        ("IBM437", "cp437"), ("cp-850", "cp850"), ("ibm866", "cp866"), ("dos_852", "cp852"), ("utf-8;", "utf-8"),
        ("UTF8MB4", "utf-8"), ("ISO-8859-1:1987", "cp1252"), ("ansi", "cp1252"), ("iso-2022-jp-ms", "iso2022_jp"),
        ("windows1251", "cp1251"), ("win-1251", "cp1251"), ("cp-1251", "cp1251"), ("windows_1251", "cp1251"),
        ("windows1252", "cp1252"), ("latin-1", "cp1252"), ("iso8859_1", "cp1252"), ("latin9", "iso8859-15"),
        ("x-windows-949", "cp949"), ("ms949", "cp949"), ("johab", "johab"), ("sjis-win", "cp932"), ("eucJP", "euc_jp"),
        ("x-mac-ce", "mac_latin2"), ("mac-cyrillic", "mac_cyrillic"), ("x-mac-turkish", "mac_turkish"),
        ("tis620", "cp874"), ("utf-8//TRANSLIT", "utf-8"), ("utf_8", "utf-8"), ("utf-8-sig", "utf-8"),
    ],
)  # fmt: skip
def test_labels_that_old_programs_write_are_known(label: str, charset: str) -> None:
    texts = {
        "iso2022_jp": "端口", "cp866": "п", "cp1251": "п", "mac_cyrillic": "п", "cp949": "안", "johab": "안",
        "cp932": "端", "euc_jp": "端", "cp874": "ไ",
    }  # fmt: skip
    text = texts.get(charset, "é")
    assert decode(text.encode(charset) * 3, label) == text * 3


def test_labels_of_nothing_cost_nothing() -> None:
    subject = " ".join(f"=?none{number}?q?a?=\n" for number in range(20_000))
    start = process_time()
    assert len(read_headers(f"Subject: {subject}\n\n".encode()).subject) == 20_000
    assert process_time() - start < stretched(2)
