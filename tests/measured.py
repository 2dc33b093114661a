"""Targets of benchmarks: said, not enforced, since a slow day is no defect. CHAINPOS_BENCH_GATE=1 makes them gates."""

from __future__ import annotations

import os

import pytest


def target(value: float, at_most: float, what: str) -> None:
    """Say whether a measured figure is within its target; fails only where the gates are asked for."""
    met = value <= at_most
    print(f"target {'met' if met else 'MISSED'}: {what}: {value:.4g}, at most {at_most:.4g}")
    if not met and os.environ.get("CHAINPOS_BENCH_GATE"):
        pytest.fail(f"{what}: {value:.4g} is over {at_most:.4g}")
