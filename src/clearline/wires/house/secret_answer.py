"""An answer that shows a secret once: the key of an API key, the signing secret of a subscription."""

from msgspec import Struct
from starlette.types import Send

from clearline.wires.http.call import Answer, encode, etag
from clearline.wires.http.resource import json_answer


class SecretAnswer(Answer):
    """An answer that is sent with the secret, and stored for retries without it.

    No secret is stored anywhere, so a retry with the same Idempotency-Key gets ``stored``.
    """

    __slots__ = ("_sent",)

    def __init__(self, status: int, *, sent: Struct, stored: Struct, resource: Struct, location: str | None) -> None:
        """Make the answer; its ETag is that of ``resource``, which GET answers."""
        headers = [
            (b"cache-control", b"no-store"),
            (b"vary", b"Authorization"),
            (b"etag", etag(encode(resource))),
        ]
        if location is not None:
            headers.append((b"location", location.encode()))
        answer = json_answer(status, stored, headers)
        super().__init__(status, answer.body, answer.headers)
        self._sent = json_answer(status, sent, headers).body

    async def send(self, send: Send) -> None:
        """Send the whole answer, with the secret."""
        await Answer(self.status, self._sent, self.headers).send(send)
