import os
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.builders.attachments import CONTENT, DIGEST, MOST, attach, stored_files
from tests.builders.people import Tenant

STRANGE = 'Zürich "core" 100%.txt'


async def test_a_file_is_attached_described_listed_and_downloaded(
    client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path
) -> None:
    created = await attach(client, path, tenant.headers, kind="Text/Plain; charset=utf-8", name=STRANGE)
    assert created.status_code == 201, created.text
    body = created.json()
    expected = {
        "id": body["id"],
        "ticket": path.split("/")[4],
        "name": STRANGE,
        "media_type": "text/plain",
        "size": len(CONTENT),
        "sha256": DIGEST.hex(),
        "visibility": "public",
        "source": "buyer",
        "author": tenant.user.name,
        "created_at": body["created_at"],
    }
    assert body == expected
    assert created.headers["location"] == f"{path}/{body['id']}"
    read = await client.get(created.headers["location"], headers=tenant.headers)
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, expected, created.headers["etag"])
    listed = await client.get(path, headers=tenant.headers)
    assert listed.json() == {"data": [expected], "has_more": False, "next_cursor": None}
    assert body["id"] in stored_files(folder)

    response = await client.get(created.headers["location"] + "/content", headers=tenant.headers)
    assert (response.status_code, response.content) == (200, CONTENT)
    headers = {
        name: value
        for name, value in response.headers.items()
        if not name.startswith(("ratelimit", "x-r", "x-request"))
    }
    digest = f"sha-256=:{b64encode(DIGEST).decode()}:"
    assert headers == {
        "content-type": "text/plain",
        "content-length": str(len(CONTENT)),
        "content-disposition": (
            "attachment; filename=\"Z_rich _core_ 100_.txt\"; filename*=UTF-8''Z%C3%BCrich%20%22core%22%20100%25.txt"
        ),
        "content-security-policy": "sandbox; default-src 'none'",
        "content-digest": digest,
        "repr-digest": digest,
        "etag": f'"{DIGEST.hex()}"',
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "vary": "Authorization",
        "x-content-type-options": "nosniff",
    }


async def test_a_file_of_several_blocks_is_downloaded_unchanged(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    content = bytes(range(256)) * (MOST // 256)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 65_536):
            yield content[start : start + 65_536]

    created = await attach(client, path, tenant.headers, chunks(), "application/vnd.tcpdump.pcap")
    assert (created.status_code, created.json()["size"]) == (201, len(content))
    response = await client.get(created.headers["location"] + "/content", headers=tenant.headers)
    assert response.content == content


@pytest.mark.parametrize(
    ("byte_range", "status", "part"),
    [
        ("bytes=0-9", 206, (0, 9)),
        ("bytes=5-5", 206, (5, 5)),
        ("bytes=1790-", 206, (1790, 1799)),
        ("bytes=1790-99999", 206, (1790, 1799)),
        ("bytes=-10", 206, (1790, 1799)),
        ("bytes=-99999", 206, (0, 1799)),
        ("bytes=1800-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=-", 200, None),
        ("bytes=9-5", 200, None),
        ("bytes=0-1,3-4", 200, None),
        ("lines=0-1", 200, None),
    ],
)
async def test_a_range_of_a_file_can_be_requested(
    client: httpx.AsyncClient, tenant: Tenant, path: str, byte_range: str, status: int, part: tuple[int, int] | None
) -> None:
    created = await attach(client, path, tenant.headers)
    response = await client.get(
        created.headers["location"] + "/content", headers=tenant.headers | {"Range": byte_range}
    )
    assert response.status_code == status
    if part is not None:
        assert response.content == CONTENT[part[0] : part[1] + 1]
        assert response.headers["content-range"] == f"bytes {part[0]}-{part[1]}/1800"
        assert response.headers["content-length"] == str(part[1] + 1 - part[0])
        assert "content-digest" not in response.headers
        assert "repr-digest" in response.headers
    elif status == 416:
        assert response.headers["content-range"] == "bytes */1800"
        assert response.json()["code"] == "range-not-satisfiable"
    else:
        assert response.content == CONTENT


@pytest.mark.parametrize(("validator", "status"), [(f'"{DIGEST.hex()}"', 206), ('"other"', 200)])
async def test_if_range_with_another_etag_returns_the_whole_file(
    client: httpx.AsyncClient, tenant: Tenant, path: str, validator: str, status: int
) -> None:
    created = await attach(client, path, tenant.headers)
    conditions = {"Range": "bytes=2-", "If-Range": validator}
    response = await client.get(created.headers["location"] + "/content", headers=tenant.headers | conditions)
    assert (response.status_code, response.content) == (status, CONTENT[2:] if status == 206 else CONTENT)


async def test_a_current_copy_is_not_sent_again_and_head_sends_no_body(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    content_path = (await attach(client, path, tenant.headers)).headers["location"] + "/content"
    for known in (f'"{DIGEST.hex()}"', f'"x", W/"{DIGEST.hex()}"', "*"):
        again = await client.get(content_path, headers=tenant.headers | {"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", f'"{DIGEST.hex()}"')
    assert (await client.get(content_path, headers=tenant.headers | {"If-None-Match": '"x"'})).status_code == 200
    head = await client.head(content_path, headers=tenant.headers)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(CONTENT)))


@pytest.mark.parametrize("left", [None, 0, 1799])
@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=1790-"}])
async def test_missing_or_incomplete_content_is_a_definite_error(
    client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path, headers: dict[str, str], left: int | None
) -> None:
    other = await attach(client, path, tenant.headers, name="other.txt")
    created = await attach(client, path, tenant.headers)
    stored = folder / "attachments" / str(tenant.company.id) / created.json()["id"]
    if left is None:
        stored.unlink()
    else:
        os.truncate(stored, left)
    location = created.headers["location"]
    response = await client.get(location + "/content", headers=tenant.headers | headers)
    assert (response.status_code, response.json()["code"]) == (404, "content-missing")
    assert "retry-after" not in response.headers
    assert response.json()["detail"] == (
        "the file of the attachment is missing in the provider's store; trying again does not help"
    )
    assert str(folder) not in response.text
    assert (await client.head(location + "/content", headers=tenant.headers | headers)).status_code == 404
    assert (await client.get(location, headers=tenant.headers)).status_code == 200
    assert len((await client.get(path, headers=tenant.headers)).json()["data"]) == 2
    assert (await client.get(path.rpartition("/")[0], headers=tenant.headers)).status_code == 200
    whole = await client.get(other.headers["location"] + "/content", headers=tenant.headers)
    assert whole.content == CONTENT
    assert (await client.delete(location, headers=tenant.headers | {"If-Match": "*"})).status_code == 204


async def test_a_store_that_cannot_be_read_is_unavailable(
    client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path
) -> None:
    created = await attach(client, path, tenant.headers)
    company = folder / "attachments" / str(tenant.company.id)
    company.rename(company.with_suffix(".away"))
    company.write_bytes(b"")
    response = await client.get(created.headers["location"] + "/content", headers=tenant.headers)
    company.unlink()
    company.with_suffix(".away").rename(company)
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert response.headers["retry-after"] == "1"


async def test_attachments_are_listed_in_pages(client: httpx.AsyncClient, agent: dict[str, str], path: str) -> None:
    for name in "abcde":
        await attach(client, path, agent, name=name)
    pages = []
    query = "?limit=2"
    while query:
        page = (await client.get(path + query, headers=agent)).json()
        pages.append([attachment["name"] for attachment in page["data"]])
        query = f"?limit=2&cursor={page['next_cursor']}" if page["has_more"] else ""
    assert pages == [["a", "b"], ["c", "d"], ["e"]]
    assert (await client.get(path + "?cursor=nonsense", headers=agent)).json()["code"] == "invalid-cursor"
    assert (await client.get(path + "?sort=name", headers=agent)).json()["code"] == "invalid-parameter"
