"""Balances against an independent plain model: a dictionary of what each holds, and two totals for each issuer.

All messages that move money outside of sales, by all signers, in any order: what the rules do, the model must have
foreseen, to the fen and to the code.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chainpos.core.contracts.balances.messages import Issue, Redeem
from chainpos.core.contracts.balances.records import (
    SUPPLY,
    central_issued_account,
    issued_account,
    reserve_account,
    supply_key,
)
from chainpos.core.contracts.institutions.messages import DrainReserve, FundReserve
from tests.core.contracts.conftest import BANK, CNY, CUSTOMERS, WALLET, World, genesis_values, make_app_state
from tests.seeds import rounds

VALUES = genesis_values(make_app_state())
LIMIT = 2**63 - 1
HOLDS = {"phone_only": 1_000_000, "tier_3": 2_000_000, "tier_2": 50_000_000, "tier_1": LIMIT}
NAMES = st.sampled_from(sorted(CUSTOMERS))
SIGNERS = st.sampled_from([BANK, WALLET, "central_bank", "alice"])
INSTITUTIONS = st.sampled_from([BANK, WALLET])
AMOUNTS = st.one_of(
    st.integers(-2, 2_000_000),
    st.sampled_from([0, 1, 1_000_000, 10_000_000, 100_000_000, LIMIT - 1, LIMIT, LIMIT + 1]),
)


class Book:
    """The model: it knows nothing of records, ports or journals."""

    def __init__(self) -> None:
        self.held = {name: row[3] for name, row in CUSTOMERS.items()}
        self.reserve = {BANK: 10_000_000, WALLET: 1_000_000}
        self.issued = {
            BANK: sum(row[3] for row in CUSTOMERS.values() if row[0] == BANK),
            WALLET: sum(row[3] for row in CUSTOMERS.values() if row[0] == WALLET),
            "CENTRAL": 11_000_000,
        }
        self.redeemed = {BANK: 0, WALLET: 0, "CENTRAL": 0}

    def issue(self, institution: str, name: str, amount: int, signer: str) -> str:
        at, tier, _, _ = CUSTOMERS[name]
        if signer != institution:
            return "not_institution_key"
        if not 0 < amount <= LIMIT:
            return "bad_amount"
        if at != institution:
            return "wrong_institution"
        if self.held[name] + amount > HOLDS[tier]:
            return "over_balance_limit"
        if self.issued[institution] + amount > LIMIT or self._outstanding(institution) + amount > LIMIT:
            return "balance_overflow"
        self.held[name] += amount
        self.issued[institution] += amount
        return ""

    def redeem(self, institution: str, name: str, amount: int, signer: str) -> str:
        at = CUSTOMERS[name][0]
        if signer != institution:
            return "not_institution_key"
        if not 0 < amount <= LIMIT:
            return "bad_amount"
        if at != institution:
            return "wrong_institution"
        if self.redeemed[institution] + amount > LIMIT:
            return "balance_overflow"
        if self.held[name] < amount:
            return "insufficient_funds"
        self.held[name] -= amount
        self.redeemed[institution] += amount
        return ""

    def reserves(self, institution: str, amount: int, signer: str, *, fund: bool) -> str:
        if signer != "central_bank":
            return "missing_role"
        if not 0 < amount <= LIMIT:
            return "bad_amount"
        totals = self.issued if fund else self.redeemed
        if totals["CENTRAL"] + amount > LIMIT or (fund and self._outstanding("CENTRAL") + amount > LIMIT):
            return "balance_overflow"
        if not fund and self.reserve[institution] < amount:
            return "insufficient_funds"
        totals["CENTRAL"] += amount
        self.reserve[institution] += amount if fund else -amount
        return ""

    def _outstanding(self, issuer: str) -> int:
        return self.issued[issuer] - self.redeemed[issuer]


class BalancesMachine(RuleBasedStateMachine):
    """Every step goes to both; every step's answer and every balance must agree."""

    @initialize()
    def begin(self) -> None:
        self.world = World(VALUES)
        self.book = Book()
        self.steps = 0

    def both(self, message: msgspec.Struct, signer: str, expected: str) -> None:
        before = self.world.state.app_hash
        result = self.world.run(message, signer)
        assert result.log == expected
        assert (self.world.state.app_hash == before) == bool(expected)
        self.steps += 1

    @rule(institution=INSTITUTIONS, name=NAMES, amount=AMOUNTS, signer=SIGNERS)
    def issue(self, institution: str, name: str, amount: int, signer: str) -> None:
        message = Issue(institution, self.world.address(name), CNY, amount, "cash", "R")
        self.both(message, signer, self.book.issue(institution, name, amount, signer))

    @rule(name=NAMES, amount=AMOUNTS)
    def issue_rightly(self, name: str, amount: int) -> None:
        self.issue(CUSTOMERS[name][0], name, amount, CUSTOMERS[name][0])

    @rule(institution=INSTITUTIONS, name=NAMES, amount=AMOUNTS, signer=SIGNERS)
    def redeem(self, institution: str, name: str, amount: int, signer: str) -> None:
        message = Redeem(institution, self.world.address(name), CNY, amount, "cash", "R")
        self.both(message, signer, self.book.redeem(institution, name, amount, signer))

    @rule(name=NAMES, part=st.integers(1, 4))
    def redeem_a_part(self, name: str, part: int) -> None:
        self.redeem(CUSTOMERS[name][0], name, self.book.held[name] // part, CUSTOMERS[name][0])

    @rule(institution=INSTITUTIONS, amount=AMOUNTS, signer=SIGNERS)
    def fund(self, institution: str, amount: int, signer: str) -> None:
        message = FundReserve(institution, CNY, amount, "R")
        self.both(message, signer, self.book.reserves(institution, amount, signer, fund=True))

    @rule(institution=INSTITUTIONS, amount=AMOUNTS, signer=SIGNERS)
    def drain(self, institution: str, amount: int, signer: str) -> None:
        message = DrainReserve(institution, CNY, amount, "R")
        self.both(message, signer, self.book.reserves(institution, amount, signer, fund=False))

    @rule(institution=INSTITUTIONS, amount=AMOUNTS)
    def fund_and_drain_rightly(self, institution: str, amount: int) -> None:
        self.fund(institution, amount, "central_bank")
        self.drain(institution, amount, "central_bank")

    @precondition(lambda self: self.steps)
    @invariant()
    def the_ledger_holds_what_the_book_says(self) -> None:
        world, book = self.world, self.book
        assert {name: world.held(name) for name in CUSTOMERS} == book.held
        assert {each: world.balance(reserve_account(each)) for each in book.reserve} == book.reserve
        for issuer, issued in book.issued.items():
            contra = central_issued_account() if issuer == "CENTRAL" else issued_account(issuer)
            assert world.balance(contra) == book.redeemed[issuer] - issued
            supply = world.state.get(SUPPLY, supply_key(issuer, CNY))
            assert supply is not None
            assert (supply.issued_minor, supply.redeemed_minor) == (issued, book.redeemed[issuer])
        world.check()


TestBalances: Any = BalancesMachine.TestCase
TestBalances.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


@pytest.mark.slow
class TestBalancesAtLength(TestBalances):  # type: ignore[misc]
    """The same, for a night."""

    settings = settings(max_examples=rounds(100), stateful_step_count=100, deadline=None)
