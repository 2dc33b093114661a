"""Targets of benchmarks. A ratio taken in one run is held to; a time or a rate is said only: a slow day is no defect.

CHAINPOS_BENCH_GATE=1 holds to times and rates as well.
"""

from __future__ import annotations

import os

import pytest


def hold(ratio: float, at_most: float, what: str) -> None:
    """Fail where a ratio to a ceiling measured in the same run is over its target."""
    if not _said(ratio, at_most, what):
        pytest.fail(f"{what}: {ratio:.4g} is over {at_most:.4g}")


def target(value: float, at_most: float, what: str) -> None:
    """Say whether a time, a rate or a size is within its target."""
    if not _said(value, at_most, what) and os.environ.get("CHAINPOS_BENCH_GATE"):
        pytest.fail(f"{what}: {value:.4g} is over {at_most:.4g}")


def _said(value: float, at_most: float, what: str) -> bool:
    met = value <= at_most
    print(f"target {'met' if met else 'MISSED'}: {what}: {value:.4g}, at most {at_most:.4g}")
    return met
