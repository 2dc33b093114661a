"""A question that is answered with a few characters, some of which stand there already."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from tests.console.looking import key_in, opened, until
from tests.console.prepared_figures import cny
from tests.console.prepared_till import PreparedTill

from .test_bill import TEA, rung_up


@pytest.mark.parametrize("typed", ["50", "50%"])
async def test_a_percentage_is_typed_with_its_sign_or_without_where_the_sign_stands_already(
    till: PreparedTill, tmp_path: Path, typed: str
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await rung_up(till, pilot, TEA)
        await key_in(pilot, "percent_sign", *("percent_sign" if each == "%" else each for each in typed))
        assert app.screen.query_one(Input).value == "50%"
        await key_in(pilot, "enter")
        await until(pilot, lambda: till.view.bill is not None and till.view.bill.charged == cny(600))
