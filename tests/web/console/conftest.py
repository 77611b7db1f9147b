"""The console needs its built styles and scripts."""

import pytest

from clearline.web import assets


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """Fail with one clear line when nothing is built."""
    if not assets.manifest():
        pytest.fail(assets.MISSING)
