"""Build the styles and scripts of the pages, with the machine's Node or with one in a virtual environment of its own.

Run by ``make frontend``. It uses only the standard library, because it runs before anything is installed.
"""

import sys
import time

from node import HERE, install, run, say


def main() -> int:
    """Install the npm packages of the lock, unless they are installed, and build."""
    node, environment = install(HERE, "the pages")
    started = time.monotonic()
    run([node, "build.mjs"], HERE, environment)
    say(f"Built the styles and scripts of the pages in {time.monotonic() - started:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
