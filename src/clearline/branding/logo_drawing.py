"""Draw logos in a process of their own, one at a time."""

import asyncio
import os
import sys
from contextlib import suppress

import msgspec

from clearline.branding.logo_domain import UPLOAD_MAX, Drawing, DrawnLogo, Logo
from clearline.errors import InvalidInput, RuleCode, Violation

COMMAND = (sys.executable, "-P", "-m", "clearline.branding.logo_process")
SECONDS = 30
"""The most time for a logo, computing or not."""
_SECRETS = ("CLEARLINE_", "AWS_")
"""How the names of the variables begin that the process does not get."""
_LOCKS: dict[asyncio.AbstractEventLoop, asyncio.Lock] = {}


async def draw_logo(file: bytes, field: str = "logo") -> DrawnLogo:
    """Return the logo of a file: a PNG of our own, whatever the file is. Its content tells what that is.

    Raises:
        InvalidInput: it cannot become a logo. The rule says why.
    """
    if len(file) > UPLOAD_MAX:
        raise _refused(field, f"must have at most {UPLOAD_MAX // 1024} KB", RuleCode.LENGTH)
    if not file:
        raise _refused(field, "must not be empty", RuleCode.REQUIRED)
    async with _LOCKS.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        drawing = await _draw(file)
    if drawing.rule:
        raise _refused(field, drawing.rule, RuleCode.FORMAT)
    return DrawnLogo(Logo(drawing.name), drawing.content)


async def _draw(file: bytes) -> Drawing:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)}
    process = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            answer, _errors = await process.communicate(file)
        return msgspec.msgpack.decode(answer, type=Drawing)
    except (TimeoutError, msgspec.DecodeError):
        return Drawing(rule="must be simpler: it takes too much time or memory to draw")
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _refused(field: str, rule: str, code: RuleCode) -> InvalidInput:
    return InvalidInput([Violation(field, rule, code)])
