"""Real nodes for the operator's screens."""

from __future__ import annotations

from tests.node.conftest import nodes

__all__ = ["nodes"]
