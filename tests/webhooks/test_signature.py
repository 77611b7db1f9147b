import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

from clearline.webhooks.signature import derive_key, format_secret, request_headers, sign, signing_keys

AT = datetime(2026, 3, 1, 12, 0, 0, 900000, tzinfo=UTC)
ID = UUID(int=7)


def test_a_signature_equals_the_example_of_the_standard() -> None:
    # the example that the libraries of Standard Webhooks test with
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    text = b'{"test": 2432232314}'

    class Named(str):
        __slots__ = ()

    signature = sign([key], Named("msg_p5jXN8AQM9LWM0D4loKWxJek"), at, text)  # type: ignore[arg-type]
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_is_shown_in_the_format_of_the_standard() -> None:
    key = derive_key(b"server", ID, 1)
    assert len(key) == 32
    assert base64.b64decode(format_secret(key).removeprefix("whsec_")) == key
    assert len({derive_key(b"server", ID, 1), derive_key(b"server", ID, 2), derive_key(b"other", ID, 1),
                derive_key(b"server", UUID(int=8), 1)}) == 4  # fmt: skip


def test_both_secrets_sign_until_the_rotation_is_over() -> None:
    old, new = derive_key(b"s", ID, 4), derive_key(b"s", ID, 5)
    assert signing_keys(b"s", ID, 5, None, AT) == [new]
    assert signing_keys(b"s", ID, 5, AT + timedelta(seconds=1), AT) == [new, old]
    assert signing_keys(b"s", ID, 5, AT, AT) == [new]
    assert sign([new, old], ID, AT, b"{}").split(" ") == [sign([key], ID, AT, b"{}") for key in (new, old)]


def test_an_attempt_has_the_headers_of_the_standard() -> None:
    assert request_headers(ID, AT) == {
        "content-type": "application/json",
        "user-agent": "Clearline",
        "webhook-id": str(ID),
        "webhook-timestamp": "1772366400",
    }
