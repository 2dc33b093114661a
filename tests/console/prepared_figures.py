"""Figures that a prepared till shows: its clock, its amounts, where its money is."""

from __future__ import annotations

from chainpos.core.values.amount import Amount
from chainpos.till.views import (
    CycleView,
    ElsewhereRow,
    NetRow,
    PartRow,
    PayoutParts,
    PayoutRow,
    PendingRow,
    SettlementView,
)

SECOND = 1_000_000_000
# 2026-03-02 06:03:27 UTC.
NOON_NS = 1_772_431_407 * SECOND


def cny(minor: int) -> Amount:
    return Amount(minor, "CNY")


SETTLEMENT = SettlementView(
    height=1_234,
    pending=cny(184_250),
    available=cny(1_250_000),
    payout_requested=cny(300_000),
    paid_out=cny(8_920_075),
    pending_by_debtor=(
        PendingRow("Harbour Bank 海港银行", cny(120_000), False),
        PendingRow("Lantern Wallet 灯笼钱包", cny(64_250), True),
    ),
    payouts=(
        PayoutRow(3, cny(300_000), "requested", NOON_NS - 600 * SECOND),
        PayoutRow(2, cny(5_000_000), "paid_out", NOON_NS - 86_400 * SECOND, "HB-20260301-7781"),
        PayoutRow(1, cny(3_920_075), "failed", NOON_NS - 172_800 * SECOND, reason="the bank account was closed"),
    ),
    fees_total=cny(40_515),
    next_cutoff_ns=NOON_NS + 5_400 * SECOND,
    last_cycle=CycleView(
        number=41,
        time_ns=NOON_NS - 1_800 * SECOND,
        gross=cny(900_450),
        settled=cny(836_200),
        moved=cny(301_050),
        saved=cny(535_150),
        rolled_over=("lantern",),
        nets=(NetRow("harbour", -301_050), NetRow("hillside", 120_025), NetRow("wangbank", 181_025)),
    ),
    elsewhere=(
        ElsewhereRow("Card acquiring, discounted rate", "银行卡收单优惠费率", cny(76_980)),
        ElsewhereRow("Wallet merchant rate", "钱包商户费率", cny(121_545)),
    ),
)
PARTS = PayoutParts(
    number=3,
    amount=cny(300_000),
    opening=cny(1_150),
    closing=cny(2_410),
    sales=tuple(
        PartRow(f"260302-K{number:04d}", cny(3_000 + number * 7), NOON_NS - (50 - number) * 180 * SECOND)
        for number in range(1, 41)
    ),
    others_minor=175_520,
)
