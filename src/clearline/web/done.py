"""What was done just now, in the address of the page that says so.

The word is signed for the session and the path: a link that somebody else made never has a page say that something was
done. After a new sign-in the page says nothing.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from urllib.parse import urlsplit

from clearline.web.visit import Visit

_PARAMETER = "done"
_SIZE = 12


def with_done(visit: Visit, address: str, word: str) -> str:
    """Return an address without a query, of a page that says then what a word stands for."""
    return f"{address}?{_PARAMETER}={word}.{_mark(visit, urlsplit(address).path, word)}"


def signed(visit: Visit, address: str) -> str:
    """Return an address that was kept for a form, with its word signed for this session: it may be sent again later."""
    path, _query, word = address.partition(f"?{_PARAMETER}=")
    return with_done(visit, path, word) if word else address


def done_in(visit: Visit) -> str:
    """Return the word in the address of the page; empty without one, or with one of another page or session."""
    word, _dot, mark = visit.query.get(_PARAMETER, "").rpartition(".")
    expected = _mark(visit, visit.browser.scope["path"], word)
    return word if hmac.compare_digest(mark.encode(), expected.encode()) else ""


def _mark(visit: Visit, path: str, word: str) -> str:
    text = f"clearline.done {path} {word}".encode()
    return urlsafe_b64encode(hmac.digest(visit.secret.encode(), text, hashlib.sha256)[:_SIZE]).decode()
