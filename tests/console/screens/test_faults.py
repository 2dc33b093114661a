"""Faults at the counter: each has its sentence, its way out, and stays on the screen while it lasts."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chainpos.errors import UserFacingError
from chainpos.till.views import FaultView, Link
from tests.console.looking import in_turns, key_in, opened, settle, text_of
from tests.console.prepared_till import PreparedTill, network_of
from tests.console.screens.test_paper import broken_over_lines


@pytest.mark.parametrize(
    ("language", "kind"), in_turns(("book", "book_broken", "clock_ahead", "clock_behind", "not_added", "taken_out"))
)
async def test_ux8_a_fault_of_the_machine_stands_on_the_counter_with_its_way_out(
    till: PreparedTill, tmp_path: Path, language: str, kind: str
) -> None:
    async with opened(till, tmp_path, language=language) as (app, pilot):
        till.push(faults=(FaultView(kind, seconds=3_600, reason="HF01"),))
        await settle(pilot)
        assert broken_over_lines(app.texts(f"fault.{kind}", minutes=60, shop="HF01"), text_of(app))
        till.push(faults=())
        await settle(pilot)
        assert not broken_over_lines(app.texts(f"fault.{kind}", minutes=60, shop="HF01"), text_of(app))


async def test_ux8_a_book_that_can_be_written_again_is_told_once_and_takes_the_place_of_what_it_refused(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        till.push(faults=(FaultView("book"),))
        till.refuse_next = UserFacingError("The shop's book cannot be written: the disk is full.", next_step="")
        await key_in(pilot, "5", "enter")
        assert broken_over_lines("cannot be written: the disk is full.", text_of(app))
        till.push(faults=())
        await settle(pilot)
        assert broken_over_lines("The shop's book can be written again: sales go on.", text_of(app))
        assert not broken_over_lines("the disk is full", text_of(app))
        await key_in(pilot, "backspace")
        till.push(faults=())
        await settle(pilot)
        assert not broken_over_lines("can be written again", text_of(app))


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_ux8_a_halted_peer_says_what_it_is_and_whom_to_call(
    till: PreparedTill, tmp_path: Path, language: str
) -> None:
    async with opened(till, tmp_path, language=language) as (app, pilot):
        till.push(network=network_of(Link.HALTED))
        await settle(pilot)
        text = text_of(app)
        assert f"■ {app.texts('link.halted')}" in text
        assert broken_over_lines(app.texts("counter.halted"), text)


async def test_a_shop_that_the_network_does_not_know_goes_by_its_id(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        till.push(shop=msgspec.structs.replace(till.view.shop, merchant="HF01", name_en="", name_zh=""))
        await settle(pilot)
        assert text_of(app).startswith(" DEMO · HF01 · ")
