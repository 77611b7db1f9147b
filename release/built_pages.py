"""Refuses to build a wheel or an sdist without the built styles and scripts of the pages. Hatchling loads it."""

from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MANIFEST = Path("src/clearline/web/built/manifest.json")


class BuiltPages(BuildHookInterface[BuilderConfig]):
    """Looks at what is packed. An editable installation is for developers, who build the pages later."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - Hatchling names them
        """Fail unless the pages are built."""
        if version != "editable" and not (Path(self.root) / MANIFEST).exists():
            raise FileNotFoundError("The styles and scripts of the pages are not built: run `make frontend`.")
