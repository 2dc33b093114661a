"""The three banks' city for these tests."""

from __future__ import annotations

import pytest

from tests.core.contracts.city import City, at_genesis


@pytest.fixture
def city() -> City:
    """Three banks at genesis."""
    return at_genesis()
