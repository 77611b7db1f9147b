"""What frames the pages that people have about themselves: the console, or the portal."""

from collections.abc import Awaitable, Callable

from clearline.web.visit import Visit

Frame = Callable[[Visit], Awaitable[dict[str, object]]]
"""Returns the template that frames a page, as ``layout``, and what that takes."""
