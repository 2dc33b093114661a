"""What one transaction both brought and settled is told as two movements, and each netting of a block as its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chainpos.core.contracts.institutions.messages import DrainReserve, FundReserve
from chainpos.core.contracts.settlement.messages import Close
from chainpos.inspect.statements.account import institution_holder, read_statement
from chainpos.inspect.statements.files import Asked, make_file
from chainpos.inspect.statements.period import cycle_period, day_period
from chainpos.inspect.statements.transfers import nettings
from chainpos.pilot.genesis import role_key
from tests.inspect.short_day import CYCLE_S, ShortDay

# Two banks without reserves, and what a customer of each pays a shop of a third.
OWED = {"qingshanpay": 1_000, "dianchibank": 2_000}


@pytest.fixture
def late(tmp_path: Path) -> Iterator[ShortDay]:
    day = ShortDay(tmp_path / "chain.db")
    central, held = role_key("central_bank"), {row.institution: row.reserve_minor for row in day.city.institutions}
    day.block(
        *(day.sign(central, "institutions.drain_reserve", DrainReserve(n, "CNY", held[n], "all of it")) for n in OWED)
    )
    shop = day.city.merchant("HF01")
    payers = {name: next(row for row in day.city.customers if row.institution == name) for name in OWED}
    day.block(
        *(
            day.hands.pay(day.hands.request(shop, minor, f"R-{name}", day.now_s), payers[name], day.now_s)
            for name, minor in OWED.items()
        )
    )
    day.now_s += CYCLE_S
    day.block(day.sign(role_key("operator"), "settlement.close", Close("", "CNY")))
    day.block(
        *(
            day.sign(central, "institutions.fund_reserve", FundReserve(name, "CNY", minor, f"late-{name}"))
            for name, minor in OWED.items()
        )
    )
    yield day
    day.close()


def test_a_reserve_that_settles_what_waited_is_two_movements(late: ShortDay) -> None:
    source = late.source()
    found = read_statement(
        source, institution_holder(source, "qingshanpay"), "CNY", day_period(source, "2026-03-02")
    )  # fmt: skip
    assert [(entry.kind, entry.reference, entry.amount_minor) for entry in found.entries[1:]] == [
        ("reserve_funded", "late-qingshanpay", 1_000), ("netting", "2", -1_000),
    ]  # fmt: skip
    assert found.closing_minor == 0


def test_each_of_two_nettings_in_one_block_has_its_own_file(late: ShortDay) -> None:
    source = late.source()
    for number, (name, minor) in enumerate(OWED.items(), start=2):
        period = cycle_period(source, "CNY", number)
        (row,) = nettings(source, period, currency="CNY")
        assert {leg.institution: leg.amount_minor for leg in row.legs} == {name: -minor, "chaohubank": minor}
        made = make_file(source, Asked(period=period, format="pacs009", currency="CNY"))
        assert (made.records, f"CNY-{number}-{name}".encode() in made.content) == (2, True)
    whole = nettings(source, day_period(source, "2026-03-02"), currency="CNY")
    assert [(row.number, row.kind) for row in whole] == [(1, "cycle"), (2, "resolution"), (3, "resolution")]
