"""Hashes of passwords: argon2id, made outside of the event loop."""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""19 MiB and 2 passes: the minimum of the OWASP Password Storage Cheat Sheet (2025), about 40 ms of a core."""
_AT_ONCE = 2
"""Hashes that one process makes at a time: a flood of sign-ins must not take all memory and all cores."""
_THREADS = ThreadPoolExecutor(_AT_ONCE, "password")


@cache
def _of_nobody() -> str:
    return _HASHER.hash("the password of nobody")


async def hash_password(password: str) -> str:
    """Return the hash of a password, with its parameters and a random salt."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, _normalized(password))


async def verify_password(stored: str | None, password: str) -> bool:
    """Return whether a password has a hash. Without a hash the same work is done, and the answer is False."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _verify, stored, password)


def needs_rehash(stored: str) -> bool:
    """Return whether a hash was made with other parameters than new ones are."""
    return _HASHER.check_needs_rehash(stored)


def _verify(stored: str | None, password: str) -> bool:
    try:
        _HASHER.verify(_of_nobody() if stored is None else stored, _normalized(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def _normalized(password: str) -> bytes:
    """Return the bytes of a password, which do not depend on the keyboard (NIST SP 800-63B, section 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
