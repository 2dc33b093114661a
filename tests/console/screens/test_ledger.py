"""Ledger: live blocks, their transactions, their postings (ux 25, 29 in first form)."""

from __future__ import annotations

from pathlib import Path

from chainpos.console.widgets.line_list import LineList
from chainpos.inspect.words import words_in
from chainpos.till.views import BlockRow, TransactionRow
from tests.console.looking import HeardApp, go, key_in, opened, settle, text_of
from tests.console.prepared_till import PreparedTill, network_of


def blocks_of(app: HeardApp) -> LineList[BlockRow]:
    return app.screen.query_one("#blocks", LineList)


def height_of(blocks: LineList[BlockRow]) -> int:
    return blocks.present.height if blocks.present is not None else 0


async def test_ux29_blocks_transactions_postings_forwards_and_back_with_one_key(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "ledger")
        assert "1,234" in text_of(app)
        await key_in(pilot, "right")
        shown = text_of(app)
        for part in ("TRANSACTIONS OF BLOCK 1,234", "payments.pay", "✓ accepted", "-12.50 CNY", "+12.45 CNY", "paid"):
            assert part in shown
        await key_in(pilot, "left")
        assert "TRANSACTIONS OF BLOCK" not in text_of(app)


async def test_a_refused_transaction_says_why_and_that_no_money_moved(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "ledger")
        await key_in(pilot, "down", "down", "enter", "down")
        shown = text_of(app)
        for part in ("✗ refused 503", "The customer sent another amount", "No money moved"):
            assert part in shown


async def test_new_blocks_come_on_top_and_the_cursor_stays_on_its_block(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "ledger")
        await key_in(pilot, "down", "down", "down")
        blocks = blocks_of(app)
        assert height_of(blocks) == 1_231
        till.height = 1_240
        till.push(network=network_of(height=1_240))
        await settle(pilot, 0.2)
        assert blocks.items[0].height == 1_240
        assert height_of(blocks) == 1_231
        await key_in(pilot, "n")
        assert height_of(blocks) == 1_240


async def test_the_cursor_at_the_tip_follows_the_tip(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "ledger")
        till.height = 1_240
        till.push(network=network_of(height=1_240))
        await settle(pilot, 0.2)
        assert height_of(blocks_of(app)) == 1_240


async def test_older_blocks_are_read_when_the_cursor_reaches_the_end(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path) as (app, pilot):
        await go(pilot, "ledger")
        blocks = blocks_of(app)
        assert len(blocks.items) == 100
        await key_in(pilot, "end")
        await settle(pilot, 0.2)
        assert len(blocks.items) == 200
        assert height_of(blocks) == 1_135


async def test_ux19_a_wide_screen_shows_all_three_levels_at_once(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path, size=(120, 40)) as (app, pilot):
        await go(pilot, "ledger")
        shown = text_of(app)
        for part in ("1,233", "TRANSACTIONS OF BLOCK 1,234", "POSTINGS", "-12.50 CNY"):
            assert part in shown


async def test_a_freeze_is_read_as_a_sentence_beside_its_event(till: PreparedTill, tmp_path: Path) -> None:
    told = (("subject", "3f2a" * 10), ("legal_reference", "Order 2026-17"), ("until_s", "1"))
    row = TransactionRow(
        hash="AB" * 32, height=1_234, index=0, kind="compliance.freeze", code=0, events=(("compliance.frozen", told),)
    )
    till.transactions_at[1_234] = (row,)
    for language, words in (("en", "⚠ Frozen by Order 2026-17"), ("zh", "⚠ 依 Order 2026-17 冻结")):
        async with opened(till, tmp_path / language, language=language, size=(120, 40)) as (app, pilot):
            await go(pilot, "ledger")
            await settle(pilot)
            assert words in text_of(app)
            assert words_in(language).event("compliance.frozen") in text_of(app)
