"""Statements against the ledger's own records, which the movements that they list do not come from."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainpos.core.contracts.balances.events import POSTED
from chainpos.core.contracts.balances.records import ACCOUNTS, account_key, merchant_account, reserve_account
from chainpos.core.contracts.network import NETWORK, Network
from chainpos.core.contracts.payments.records import PAYMENTS, Payment
from chainpos.core.contracts.settlement.records import POSITIONS, position_key
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import StateMismatch, UserFacingError
from chainpos.inspect.lookups import Lookups
from chainpos.inspect.source import ChainSource, Found, Span, StoreSource
from chainpos.inspect.statements.account import Holder, institution_holder, merchant_holder, read_statement
from chainpos.inspect.statements.period import Period, cycle_period, day_period
from chainpos.inspect.statements.transfers import nettings, open_payouts, payout_orders, returns
from chainpos.pilot.city import load_city
from chainpos.pilot.resources import sample_data

CITY = load_city(sample_data())
MERCHANTS = [row.merchant for row in CITY.merchants]
INSTITUTIONS = [row.institution for row in CITY.institutions]
DAY = "2026-03-02"
TIP = 1200


def holder_of(source: ChainSource, name: str) -> Holder:
    return merchant_holder(source, name) if name in MERCHANTS else institution_holder(source, name)


def account_of(holder: Holder) -> str:
    return merchant_account(holder.name, holder.keeper) if holder.keeper else reserve_account(holder.name)


def changes_on_record(source: StoreSource, account: str) -> dict[int, int]:
    """What each block changed of an account, out of its record's history."""
    history = source.record_history(ACCOUNTS.full_key(account_key(account, "CNY")), 100_000)
    balances = [(height, ACCOUNTS.decode(value).balance_minor) for height, value in reversed(history) if value]
    before, changes = 0, {}
    for height, balance in balances:
        changes[height] = balance - before
        before = balance
    return changes


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from([*MERCHANTS, *INSTITUTIONS]), first=st.integers(1, TIP), blocks=st.integers(0, 250))
def test_of_any_account_and_any_blocks_the_movements_are_what_the_records_say(
    day: StoreSource, name: str, first: int, blocks: int
) -> None:
    holder = holder_of(day, name)
    high = min(first + blocks - 1, TIP)
    found = read_statement(day, holder, "CNY", Period("some blocks", first, high, 0, 0, is_over=True))
    recorded = changes_on_record(day, account_of(holder))
    listed: dict[int, int] = defaultdict(int)
    for entry in found.entries:
        listed[entry.height] += entry.amount_minor
    assert {height: minor for height, minor in listed.items() if minor} == {
        height: minor for height, minor in recorded.items() if first <= height <= high and minor
    }
    assert found.opening_minor == sum(minor for height, minor in recorded.items() if height < first)
    assert found.opening_minor + found.came_minor - found.went_minor == found.closing_minor
    assert found.available_minor + found.pending_minor + found.requested_minor == found.closing_minor


def test_the_statements_of_all_cycles_follow_on_each_other(day: StoreSource) -> None:
    last = nettings(day, day_period(day, DAY), currency="CNY")[-1].number
    holder, end_minor, numbers = merchant_holder(day, "HF01"), 0, range(1, last + 1)
    for number in numbers:
        found = read_statement(day, holder, "CNY", cycle_period(day, "CNY", number))
        assert found.opening_minor == end_minor
        end_minor = found.closing_minor
    whole = read_statement(day, holder, "CNY", day_period(day, DAY))
    after = [entry for entry in whole.entries if entry.height > cycle_period(day, "CNY", last).high]
    assert whole.entries[-1].balance_minor == whole.closing_minor
    assert end_minor + sum(entry.amount_minor for entry in after) == whole.closing_minor


def payments_of(day: StoreSource) -> list[Payment]:
    return [
        PAYMENTS.decode(value)
        for key, value in day.records_at(day.span().tip).items()
        if key.startswith(PAYMENTS.prefix)
    ]


def test_a_sale_is_told_with_its_gross_and_its_fee_as_the_payment_has_them(day: StoreSource) -> None:
    found = read_statement(day, merchant_holder(day, "HF01"), "CNY", day_period(day, DAY))
    payments = {payment.reference: payment for payment in payments_of(day) if payment.merchant == "HF01"}
    sales = [entry for entry in found.entries if entry.kind == "payment"]
    assert sales
    for entry in sales:
        payment = payments[entry.reference]
        assert (entry.gross_minor, entry.amount_minor) == (payment.paid_minor, payment.net_minor)
        assert entry.fee_minor == payment.fee_acquirer_minor + payment.fee_network_minor


def test_a_movement_that_was_left_out_is_noticed(day: StoreSource) -> None:
    holder, period = merchant_holder(day, "HF01"), cycle_period(day, "CNY", 3)
    entry = read_statement(day, holder, "CNY", period).entries[0]

    class Forgetful(StoreSource):
        def found(self, height: int) -> Found | None:
            block = super().found(height)
            if block is None or height != entry.height:
                return block
            results = list(block.results)
            kept = tuple(event for event in results[entry.index].events if event.type != POSTED)
            results[entry.index] = msgspec.structs.replace(cast("Any", results[entry.index]), events=kept)
            return msgspec.structs.replace(block, results=tuple(results))

    with pytest.raises(StateMismatch, match="the movements of merchant/HF01/chaohubank lead to"):
        read_statement(Forgetful(day.reader, "day"), holder, "CNY", period)


def test_the_legs_of_each_netting_are_what_it_moved_on_the_reserves(day: StoreSource) -> None:
    rows = nettings(day, day_period(day, DAY), currency="CNY")
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) >= 5
    for row in rows:
        assert sum(leg.amount_minor for leg in row.legs) == 0
        assert sum(leg.amount_minor for leg in row.legs if leg.amount_minor > 0) == row.moved_minor
        assert row.settled_minor + row.rolled_over_minor == row.gross_minor
    for institution in INSTITUTIONS:
        own = nettings(day, day_period(day, DAY), currency="CNY", institution=institution)
        on_reserve = read_statement(day, institution_holder(day, institution), "CNY", day_period(day, DAY)).entries
        told = [leg.amount_minor for row in own for leg in row.legs]
        assert told == [entry.amount_minor for entry in on_reserve if entry.kind == "netting"]


def test_the_payouts_asked_for_are_in_the_positions_as_what_became_of_them(day: StoreSource) -> None:
    lookups, whole = Lookups(day), day_period(day, DAY)
    orders = payout_orders(day, whole, currency="CNY")
    assert {order.state for order in orders} >= {"paid_out", "failed"}
    for name in {order.merchant for order in orders}:
        position = lookups.record(POSITIONS, position_key(name, "CNY"))
        assert position is not None
        by_state: dict[str, int] = defaultdict(int)
        own = [order for order in orders if order.merchant == name]
        for order in own:
            by_state[order.state] += order.amount_minor
        assert by_state["payout_requested"] == position.requested_minor
        assert by_state["paid_out"] == position.paid_out_minor
        assert len(own) == position.payouts
    for institution in INSTITUTIONS:
        waiting = {order.reference for order in open_payouts(day, institution, "CNY")}
        assert waiting == {
            order.reference for order in orders if order.acquirer == institution and order.state == "payout_requested"
        }
    of_one = payout_orders(day, whole, currency="CNY", institution="chaohubank", merchant="HF04")
    assert of_one == tuple(order for order in orders if order.merchant == "HF04")


def test_what_was_returned_is_what_the_payments_say_was_refunded(day: StoreSource) -> None:
    refunded = sum(payment.refunded_minor for payment in payments_of(day))
    rows = returns(day, day_period(day, DAY), currency="CNY")
    assert sum(row.amount_minor for row in rows if row.kind == "refund") == refunded
    assert {row.reason for row in rows if row.kind == "payout"} == {"account closed"}
    own = returns(day, day_period(day, DAY), currency="CNY", merchant="HF02")
    assert sum(row.amount_minor for row in own if row.kind == "refund") == sum(
        payment.refunded_minor for payment in payments_of(day) if payment.merchant == "HF02"
    )


class Headers:
    """A chain of headers alone."""

    def __init__(self, times_s: list[int], utc_offset_s: int) -> None:
        self._times_s = times_s
        self._network = NETWORK.encode(Network("x", True, utc_offset_s))

    def span(self) -> Span:
        return Span(1, len(self._times_s))

    def header(self, height: int) -> Any:
        return SimpleNamespace(time_ns=self._times_s[height - 1] * SECOND_NS)

    def record_at(self, *_: object) -> bytes | None:
        return self._network


@given(
    gaps=st.lists(st.integers(0, 100_000), min_size=1, max_size=40),
    utc_offset_s=st.integers(-43_200, 50_400),
    wanted=st.integers(0, 40),
)
def test_a_day_is_the_blocks_whose_time_falls_in_it_by_the_networks_clock(
    gaps: list[int], utc_offset_s: int, wanted: int
) -> None:
    times_s = [1_772_380_800 + sum(gaps[: index + 1]) for index in range(len(gaps))]
    dates = [(datetime.fromtimestamp(0, UTC) + timedelta(seconds=time + utc_offset_s)).date() for time in times_s]
    date = dates[min(wanted, len(dates) - 1)]
    period = day_period(cast("ChainSource", Headers(times_s, utc_offset_s)), date.isoformat())
    assert [height for height, each in enumerate(dates, 1) if each == date] == list(range(period.low, period.high + 1))
    assert period.is_over == (date < dates[-1])


@pytest.mark.parametrize("date", ["2026-03-01", "2026-03-03"])
def test_a_day_that_the_chain_does_not_have_is_refused(day: StoreSource, date: str) -> None:
    with pytest.raises(UserFacingError, match="has the days 2026-03-02 to 2026-03-02, not"):
        day_period(day, date)


@pytest.mark.parametrize(
    "date", ["", "2026-02-30", "2026-3-2", "20260302", "２０２６-03-02", "2026-13-01", "0000-01-01"]
)
def test_what_is_no_date_is_refused(day: StoreSource, date: str) -> None:
    with pytest.raises(UserFacingError, match="is not a date"):
        day_period(day, date)


def test_a_netting_that_there_was_not_is_refused(day: StoreSource) -> None:
    with pytest.raises(UserFacingError, match="no netting CNY/99"):
        cycle_period(day, "CNY", 99)


def test_nobodys_statement_is_refused(day: StoreSource) -> None:
    with pytest.raises(UserFacingError, match="no shop 'NOPE'"):
        merchant_holder(day, "NOPE")
    with pytest.raises(UserFacingError, match="no institution 'nope'"):
        institution_holder(day, "nope")
