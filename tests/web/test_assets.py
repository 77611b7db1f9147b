"""The built files of the pages: their names, codings and caches."""

import gzip

import brotli
import httpx
import pytest

from clearline.web import assets
from clearline.web.assets import preferred


@pytest.mark.parametrize("name", ["console.css", "console.js", "docs.css", "docs.js", "icons.svg"])
async def test_a_built_file_is_sent_as_small_as_the_browser_accepts(client: httpx.AsyncClient, name: str) -> None:
    path = assets.address(name)
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.status_code == 200
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["x-content-type-options"] == "nosniff"
    for coding, decode in (("br", brotli.decompress), ("gzip", gzip.decompress)):
        async with client.stream("GET", path, headers={"Accept-Encoding": coding}) as answer:
            assert answer.headers["content-encoding"] == coding
            assert "accept-encoding" in answer.headers["vary"].lower()
            packed = b"".join([part async for part in answer.aiter_raw()])
        assert len(packed) < len(plain.content)
        assert decode(packed) == plain.content


async def test_only_files_of_the_manifest_are_sent(client: httpx.AsyncClient) -> None:
    for name in ("manifest.json", "console.css", "console.00000000.css", "..%2fassets.py"):
        answer = await client.get(assets.PATH + name)
        assert answer.status_code == 404, name


async def test_without_built_files_the_pages_say_how_to_build_them(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "manifest", dict)
    for path in ("/sign-in", "/console/open"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (503, "no-store")
        assert "make frontend" in answer.text


async def test_without_built_files_a_page_that_can_do_without_styles_is_sent(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "manifest", dict)
    for path, status in (("/", 200), ("/unsubscribe/unknown", 404)):
        answer = await client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == status
        assert "<h1>" in answer.text


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br;q=0.0", "identity"),
        ("", "identity"),
    ],
)
def test_the_smallest_accepted_coding_is_chosen(accept: str, coding: str) -> None:
    assert preferred(accept, {"identity": b"", "br": b"", "gzip": b""}) == coding
