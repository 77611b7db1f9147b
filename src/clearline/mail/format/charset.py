"""Decode the bytes of a mail. Labels of charsets mean what they mean to browsers (WHATWG Encoding Standard, 4.2).

All functions accept any input, and never fail.
"""

import codecs
import re
from encodings.aliases import aliases

import webencodings  # type: ignore[import-untyped]

_ONLY_IN_MAIL = {
    "utf-7": "utf-7", "unicode-1-1-utf-7": "utf-7", "utf7": "utf-7", "utf-32": "utf-32", "hz-gb-2312": "hz",
    "iso-2022-kr": "iso2022_kr", "csiso2022kr": "iso2022_kr", "cp949": "cp949", "euc-cn": "gb18030",
    "cp936": "gb18030", "cp950": "big5hkscs", "cp932": "cp932", "cp437": "cp437", "cp737": "cp737",
    "cp775": "cp775", "cp850": "cp850", "cp852": "cp852", "cp857": "cp857", "cp858": "cp858", "cp862": "cp862",
    "iso-2022-jp-1": "iso2022_jp", "iso-2022-jp-2": "iso2022_jp", "iso-2022-jp-3": "iso2022_jp",
    "iso-2022-jp-ms": "iso2022_jp", "iso-2022-jp-ext": "iso2022_jp", "cp50220": "iso2022_jp", "cp50221": "iso2022_jp",
    "utf8mb4": "utf-8", "cp65001": "utf-8", "ansi": "cp1252", "utf-8-mac": "utf-8", "utf-8-sig": "utf-8",
    "ms949": "cp949",
    "sjis-win": "cp932", "x-ms-cp932": "cp932", "eucjp": "euc_jis_2004", "eucjp-ms": "euc_jis_2004",
    "euc-jp-ms": "euc_jis_2004", "cp51932": "euc_jis_2004", "ksc-johab": "johab", "macce": "mac_latin2",
    "mac-ce": "mac_latin2", "mac-centraleurroman": "mac_latin2",
}  # fmt: skip
"""Labels that browsers refuse or do not know, but old mail programs send."""

_PYTHON_CODECS = frozenset(aliases.values())
_NO_CHARSETS = {
    "ascii", "base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "tactis", "uu_codec",
    "zlib_codec",
}  # fmt: skip
"""Codecs of Python that are no charsets of mail. Only labels in its table are looked up: it remembers all others."""

_WIDER = {"gbk": "gb18030", "euc_jp": "euc_jis_2004"}
"""Codecs of Python that are narrower than the charset of the standard."""

_ASCII = {"us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us", ""}
"""Labels that say nothing: programs send other text with them, mostly UTF-8."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(rb"""<meta\b[^>]{0,300}?\bcharset\s{0,9}=\s{0,9}["']?\s{0,9}([a-z0-9_:.-]{1,40})""", re.IGNORECASE)
_XML = re.compile(
    rb"""\A\s{0,9}<\?xml\b[^>]{0,100}?\bencoding\s{0,9}=\s{0,9}["']([a-z0-9_:.-]{1,40})["']""", re.IGNORECASE
)
_META_BYTES = 4096
_OEM = re.compile(r"(?:ibm|cp|dos|oem)[-_]?(?=\d{3}$)")
_WINDOWS = re.compile(r"(?:x-)?(?:windows|win|cp|ms)[-_]?(?=(?:125\d|874|932|936|949|950)$)")
"""How programs write the number of a code page of DOS and of Windows."""

_SHIFT = re.compile(rb"\x1b(\$[@B]|\$\([DQ]|\([BJIH])")
_SURROGATES = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_BEGUN = re.compile(rb"[\xe1-\xef][\x80-\xbf](?![\x80-\xbf])|[\xf0-\xf4][\x90-\xbf][\x80-\xbf]{0,1}(?![\x80-\xbf])")
"""The first bytes of a character of UTF-8 whose last one is missing."""


def decode(content: bytes, charset: str | None) -> str:
    """Return bytes as text.

    Bytes that are invalid in the declared charset are replaced one by one. Only what is no text of that charset at all
    is read as UTF-8, if it is that, or as Windows-1252.
    """
    codec = _codec(charset) or ""
    if codec.startswith("utf-32"):
        return _from_utf_32(content, codec)
    for bom, unicode_codec in _BOMS:
        if content.startswith(bom):
            return content[len(bom) :].decode(unicode_codec, "replace")
    if codec == "iso2022_jp":
        return _from_iso_2022_jp(content)
    for attempt in filter(None, (codec, "utf-8")):
        try:
            return content.decode(attempt)
        except ValueError:
            continue
    if codec not in {"", "utf-8"}:
        return content.decode(codec, "replace")
    content = _SURROGATES.sub(_joined_surrogates, content)
    return content.decode("utf-8" if _is_nearly_utf_8(content) else "cp1252", "replace")


def _joined_surrogates(match: re.Match[bytes]) -> bytes:
    """Return a character that a program cut in two halves before it encoded them (CESU-8), as UTF-8."""
    halves = match[0].decode("utf-8", "surrogatepass")
    return halves.encode("utf-16", "surrogatepass").decode("utf-16").encode()


def _from_utf_32(content: bytes, codec: str) -> str:
    """Decode UTF-32, whose byte order mark begins like that of UTF-16; without one it is big-endian (RFC 2781)."""
    for bom, name in ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")):
        if content.startswith(bom):
            return content[len(bom) :].decode(name, "replace")
    return content.decode("utf-32-be" if codec == "utf-32" else codec, "replace")


def charset_of_html(content: bytes) -> str | None:
    """Return the charset that HTML declares itself, in a ``meta`` element or as XML; None if it does not.

    A declaration that can be read says that the text is not UTF-16 (HTML Standard, 13.2.3.2).
    """
    match = _META.search(content[:_META_BYTES]) or _XML.search(content[:_META_BYTES])
    label = None if match is None else match[1].decode().lower()
    return "utf-8" if label is not None and label.startswith("utf-16") else label


def is_text_of(content: bytes, charset: str | None) -> bool:
    """Return whether bytes may be text in a charset: for UTF-8, most characters are valid; any other is believed."""
    return is_known(charset) and (_codec(charset) != "utf-8" or _is_nearly_utf_8(content))


def is_known(charset: str | None) -> bool:
    """Return whether a label names a charset."""
    return _codec(charset) is not None


def _codec(charset: str | None) -> str | None:
    """Return Python's codec for a label; None for labels that are unknown, or say nothing."""
    label = (charset or "").partition(";")[0].strip("\"' \t").lower().replace(" ", "").partition("*")[0]
    label = _OEM.sub("cp", label.partition(":")[0] if label.startswith("iso-8859") else label)
    label = _WINDOWS.sub("windows-" if "125" in label or "874" in label else "cp", label)
    if label in _ASCII:
        return None
    encoding = webencodings.lookup(label.partition("//")[0]) or webencodings.lookup(label.replace("_", "-"))
    if encoding is None or encoding.name in {"replacement", "x-user-defined"}:
        named = label.removeprefix("x-").replace("_", "-")
        return _ONLY_IN_MAIL.get(named) or _ONLY_IN_MAIL.get(label) or _codec_of_python(named)
    name: str = codecs.lookup(encoding.codec_info.name).name
    return _WIDER.get(name, name)


def _codec_of_python(label: str) -> str | None:
    """Return Python's codec for a label that the standard lacks, such as ``johab``; None if it is no charset."""
    name = label.replace("-", "_")
    codec = aliases.get(name, name if name in _PYTHON_CODECS else None)
    if codec is None or codec in _NO_CHARSETS:
        return None
    known = webencodings.lookup(codec.replace("_", "-"))
    if known is not None and known.name not in {"replacement", "x-user-defined"}:
        codec = codecs.lookup(known.codec_info.name).name
    return _WIDER.get(codec, codec)


def _is_nearly_utf_8(content: bytes) -> bool:
    """Return whether most of the bytes above ASCII are UTF-8, as of text with a few damaged or cut characters."""
    text = content.decode("utf-8", "replace")
    valid = sum(1 for char in text if ord(char) > 127 and char != "\ufffd")
    damaged = text.count("\ufffd")
    begun = len(_BEGUN.findall(content))
    return valid + begun >= damaged


def _from_iso_2022_jp(content: bytes) -> str:
    """Decode ISO-2022-JP with the characters of vendors, which Python's codec lacks (RFC 1468; JIS X 0213)."""
    out: list[str] = []
    parts = _SHIFT.split(content)
    out.append(parts[0].decode("ascii" if parts[0].isascii() else "cp932", "replace"))
    for shift, part in zip(parts[1::2], parts[2::2], strict=True):
        if shift.startswith(b"$"):
            end = next((index for index, byte in enumerate(part) if not 0x21 <= byte <= 0x7E), len(part))
            pairs, rest = part[:end], part[end:]
            lead = b"\x8f" if shift == b"$(D" else b""
            euc = b"".join(lead + bytes((byte | 0x80) for byte in pairs[at : at + 2]) for at in range(0, len(pairs), 2))
            out.append(euc.decode("euc_jp" if lead else "euc_jis_2004", "replace") + rest.decode("cp932", "replace"))
        elif shift == b"(I":
            out.append(bytes(byte | 0x80 for byte in part).decode("cp932", "replace"))
        else:
            out.append(part.decode("cp932", "replace"))
    return "".join(out)
