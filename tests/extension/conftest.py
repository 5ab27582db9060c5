"""The user's package, importable and imported: nothing of it is in hpq_hls/ or templates/."""

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


@pytest.fixture(scope="session")
def squares():
    """The package ``squares``."""
    sys.path.insert(0, str(FOLDER))
    import squares

    return squares
