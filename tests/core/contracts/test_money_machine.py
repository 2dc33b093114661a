"""Payments, refunds and settlement driven at random over three banks and two currencies, beside an independent model.

After each step: the outcome is the model's, every figure is the model's, all invariants hold, and every payout is made
of exactly what it says.

Faults planted to see it fail, all found: gross for net and net for gross in both ways out of a refund; a cap, a reserve
and a cut-off compared wrongly; what is due left out of the cap; settled money lost, or counted before it settled; a
starved creditor overlooked in netting; what others settle lost in a batch; a payout that reaches one batch or one
movement too far or not far enough, forgets what was left over or returns nothing; a request paid twice, over, or after
its cancellation; the fee taken of the tip, kept at a refund, or returned by another share; a refund made twice, or of
more than was paid. Not found in a short run, and so tested by hand: rounding at exactly a half, limits of a day, the
minute of an expiry, a resolution that takes along what was not rolled over, a rolled-over batch refunded to nothing.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from chainpos.core.chain.results import TxResult
from chainpos.core.contracts.balances.records import NETWORK_HOLDER
from chainpos.core.contracts.institutions.messages import DrainReserve, FundReserve
from chainpos.core.contracts.ports import STATIC_QR, Placement
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.contracts.refunds.records import REFUNDS
from chainpos.core.contracts.settlement.messages import Close, ConfirmPayout, FailPayout, RequestPayout, Resolve
from chainpos.core.contracts.settlement.records import first_payout, money_state
from tests.core.contracts.city import BANKS, HKD, SHOPS, SOUTH, City, Sale, make_city
from tests.core.contracts.conftest import BANK, CNY, GENESIS_S, WALLET, genesis_values, key_of
from tests.core.contracts.plain_model import Asked, PlainModel
from tests.seeds import rounds

PAYERS = {"carol": BANK, "erin": BANK, "fay": SOUTH, "gil": WALLET}
OPENING = {"carol": 5_000_000, "erin": 100_000_000, "fay": 5_000_000, "gil": 5_000_000}
OPENING_HKD = {"carol": 0, "erin": 60_000, "fay": 1_000_000, "gil": 1_000_000}
RESERVES = {BANK: 30_000, SOUTH: 8_000, WALLET: 15_000}
CAP = 40_000
CURRENCIES = (CNY, HKD)

payers = st.sampled_from(sorted(PAYERS))
shops = st.sampled_from(sorted(SHOPS))
currencies = st.sampled_from(CURRENCIES)
amounts = st.one_of(st.integers(1, 300), st.integers(1, 45_000), st.integers(1, 45_000), st.integers(1, 6_000_000))
picks = st.integers(0, 10_000)
purchases = st.tuples(payers, shops, st.one_of(st.integers(1, 300), st.integers(1, 25_000)))


@cache
def values() -> dict[bytes, bytes]:
    state = make_city()
    for row in state["institutions"]["institutions"]:
        row["debit_caps"] = [{"currency": currency, "cap_minor": CAP} for currency in CURRENCIES]
    state["balances"]["reserves"] = [
        {"institution": bank, "currency": currency, "amount_minor": minor}
        for bank, minor in RESERVES.items()
        for currency in CURRENCIES
    ]
    erins = {"institution": BANK, "account": key_of("erin").address.hex(), "currency": HKD, "amount_minor": 60_000}
    state["balances"]["issues"].append(erins)
    standard = state["fees"]["schedules"][0]
    standard["rules"][0] |= {"minimum_minor": 2, "maximum_minor": 150}
    small = {**standard, "fee_class": "small", "rules": [{**standard["rules"][0], "ppm": 2_000}]}
    state["fees"]["schedules"].append(small)
    return genesis_values(state)


class MoneyMachine(RuleBasedStateMachine):
    """A city and its model, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.city = City(values())
        self.money = PlainModel(dict(SHOPS), PAYERS, BANKS, CAP)
        for name, minor in OPENING.items():
            self.money.held[name, CNY] = minor
            self.money.held[name, HKD] = OPENING_HKD[name]
        for bank, minor in RESERVES.items():
            for currency in CURRENCIES:
                self.money.reserve[bank, currency] = minor
        self.sales: list[tuple[Sale, Asked]] = []
        self.bodies = 0

    def run(self, message: Any, signer: str, expected: str) -> TxResult:
        result = self.city.run(message, signer)
        assert result.log == expected, f"{result.log or 'accepted'} {result.info} instead of {expected or 'accepted'}"
        return result

    def _ask(self, shop: str, amount: int, currency: str, *, tips: bool, static: bool) -> tuple[Sale, Asked]:
        kind = {"instrument": STATIC_QR, "expires_s": 0} if static else {}
        sale = self.city.sale(shop, amount, currency=currency, tip_allowed=tips, **kind)
        asked = Asked(shop, amount, currency, sale.request.expires_s, tips, static)
        self.sales.append((sale, asked))
        return sale, asked

    def _pay(self, sale: Sale, asked: Asked, payer: str, amount: int, tip: int) -> None:
        expected = self.money.pay(asked, payer, amount, tip, self.city.time_s, sale.id)
        result = self.run(sale.pay(tip=tip, amount_minor=amount), payer, expected)
        if not expected:
            self.money.payments[-1].key = result.data

    @rule(several=st.lists(purchases, min_size=2, max_size=8), currency=currencies)
    def buy(self, several: list[tuple[str, str, int]], currency: str) -> None:
        for payer, shop, amount in several:
            self._pay(*self._ask(shop, amount, currency, tips=False, static=False), payer, amount, 0)

    @rule(
        payer=payers,
        shop=shops,
        amount=amounts,
        off=st.sampled_from([-1, 0, 0, 0, 1]),
        tip=st.sampled_from([0, 7, 900]),
    )
    def pay_one(self, payer: str, shop: str, amount: int, off: int, tip: int) -> None:
        sale, asked = self._ask(shop, amount, CNY, tips=off != 1, static=False)
        self._pay(sale, asked, payer, amount + off, tip)

    @rule(payer=payers, shop=shops, amount=amounts, currency=currencies)
    def charge(self, payer: str, shop: str, amount: int, currency: str) -> None:
        sale, asked = self._ask(shop, amount, currency, tips=False, static=False)
        message = self.city.charge(sale, payer, currency=currency, max_minor=2**62)
        expected = self.money.pay(asked, payer, amount, 0, self.city.time_s, sale.id)
        self.run(message, f"{shop}.till", expected)

    @rule(shop=shops, currency=currencies, fixed=st.booleans(), amount=amounts)
    def put_up_a_sticker(self, shop: str, currency: str, fixed: bool, amount: int) -> None:
        self._ask(shop, amount if fixed else 0, currency, tips=True, static=True)

    @rule(
        payer=payers, shop=st.sampled_from(["FERRY", "NOODLES"]), currency=currencies, more=st.sampled_from([0, 0, 1])
    )
    def spend_the_whole_reserve(self, payer: str, shop: str, currency: str, more: int) -> None:
        amount = max(1, self.money.reserve[PAYERS[payer], currency] + more)
        self._pay(*self._ask(shop, amount, currency, tips=False, static=False), payer, amount, 0)

    @precondition(lambda self: any(paid.waits_for for paid in self.money.payments))
    @rule(pick=picks, reference=st.integers(5, 9))
    def refund_what_waits(self, pick: int, reference: int) -> None:
        waiting = [paid for paid in self.money.payments if paid.waits_for]
        paid = waiting[pick % len(waiting)]
        minor = paid.total - paid.refunded
        expected = self.money.refund(paid, minor, f"R{reference}", self.city.time_s, by_till=False)
        self.run(Refund(paid.key, minor, f"R{reference}", ""), f"{paid.shop}.owner", expected)

    @precondition(lambda self: self.sales)
    @rule(pick=picks, payer=payers, amount=amounts, exact=st.booleans())
    def pay_an_older_request(self, pick: int, payer: str, amount: int, exact: bool) -> None:
        sale, asked = self.sales[-1 - pick % min(len(self.sales), 6)]
        self._pay(sale, asked, payer, asked.amount if exact else amount, 0)

    @precondition(lambda self: self.sales)
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        sale, asked = self.sales[-1 - pick % min(len(self.sales), 6)]
        self.run(sale.cancel, f"{asked.shop}.till", self.money.cancel(asked, self.city.time_s))

    @precondition(lambda self: self.money.payments)
    @rule(pick=picks, part=st.sampled_from([0, 1, 3, 10, 10, 11]), reference=st.integers(0, 4), by_till=st.booleans())
    def refund(self, pick: int, part: int, reference: int, by_till: bool) -> None:
        paid = self.money.payments[-1 - pick % len(self.money.payments)]
        minor = (paid.total * part + 9) // 10
        expected = self.money.refund(paid, minor, f"R{reference}", self.city.time_s, by_till=by_till)
        signer = f"{paid.shop}.till" if by_till else f"{paid.shop}.owner"
        self.run(Refund(paid.key, minor, f"R{reference}", ""), signer, expected)

    @precondition(lambda self: any(self.money.owed.values()))
    @rule(pick=picks, bank=st.sampled_from(BANKS), wait=st.sampled_from([True, True, False]))
    def close(self, pick: int, bank: str, wait: bool) -> None:
        owing = sorted({currency for (*_, currency), minor in self.money.owed.items() if minor})
        currency = owing[pick % len(owing)]
        if wait:
            self.city.to_cutoff()
        expected = self.money.close(currency, self.city.time_s, GENESIS_S, bank)
        self.run(Close(bank, currency), bank, expected)

    @precondition(lambda self: any(self.money.rolled.values()))
    @rule(currency=currencies, funded=st.booleans())
    def resolve(self, currency: str, funded: bool) -> None:
        waiting = sorted(bank for (bank, c), times in self.money.rolled.items() if times and c == currency)
        if funded and waiting:
            self._change_reserve(waiting[0], currency, max(1, self.money.net_debit(waiting[0], currency)))
        self.run(Resolve("", currency), "operator", self.money.resolve(currency))

    # What takes several steps to be reached, so that it is reached often.
    @rule(payer=st.sampled_from(["fay", "gil"]), shop=shops, currency=currencies)
    def give_back_what_a_debtor_cannot_settle(self, payer: str, shop: str, currency: str) -> None:
        for amount in (100, max(1, self.money.reserve[PAYERS[payer], currency])):
            self._pay(*self._ask(shop, amount, currency, tips=False, static=False), payer, amount, 0)
        self.city.to_cutoff()
        self.run(Close(BANK, currency), BANK, self.money.close(currency, self.city.time_s, GENESIS_S, BANK))
        paid = self.money.payments[-1] if self.money.payments else None
        if paid is not None and paid.waits_for and not paid.refunded:
            expected = self.money.refund(paid, paid.total, "R0", self.city.time_s, by_till=False)
            self.run(Refund(paid.key, paid.total, "R0", ""), f"{paid.shop}.owner", expected)
        self.run(Resolve("", currency), "operator", self.money.resolve(currency))

    @rule(bank=st.sampled_from(BANKS), currency=currencies, minor=st.integers(1, 60_000), more=st.booleans())
    def change_a_reserve(self, bank: str, currency: str, minor: int, more: bool) -> None:
        self._change_reserve(bank, currency, minor if more else -minor)

    def _change_reserve(self, bank: str, currency: str, delta: int) -> None:
        expected = "insufficient_funds" if self.money.reserve[bank, currency] + delta < 0 else ""
        message = (FundReserve if delta > 0 else DrainReserve)(bank, currency, abs(delta), "test")
        self.run(message, "central_bank", expected)
        if not expected and delta > 0:
            self.money.receive(bank, currency, delta)
        elif not expected:
            self.money.reserve[bank, currency] += delta

    @precondition(lambda self: any(self.money.available.values()))
    @rule(pick=picks, part=st.sampled_from([0, 4, 10, 10, 11]), by=st.sampled_from(["till", "owner"]))
    def ask_for_a_payout(self, pick: int, part: int, by: str) -> None:
        full = sorted(key for key, minor in self.money.available.items() if minor)
        shop, currency = full[pick % len(full)]
        minor = (self.money.available[shop, currency] * part + 9) // 10
        expected = self.money.ask(shop, currency, minor, by)
        self.run(RequestPayout(shop, currency, minor), f"{shop}.{by}", expected)

    @precondition(lambda self: any(self.money.payouts.values()))
    @rule(pick=picks, back=st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, -1]), sent=st.booleans())
    def decide_a_payout(self, pick: int, back: int, sent: bool) -> None:
        asked = sorted(key for key, outs in self.money.payouts.items() if outs)
        shop, currency = asked[pick % len(asked)]
        number = len(self.money.payouts[shop, currency]) - back
        message = ConfirmPayout(shop, currency, number, "B1") if sent else FailPayout(shop, currency, number, "no")
        self.run(message, SHOPS[shop][0], self.money.decide(shop, currency, number, sent=sent))

    @rule(seconds=st.sampled_from([1, 59, 60, 600, 40_000]))
    def wait(self, seconds: int) -> None:
        self.city.advance(seconds)

    @invariant()
    def every_invariant_holds(self) -> None:
        self.city.check()

    @invariant()
    def every_figure_is_the_models(self) -> None:
        city, model = self.city, self.money
        for currency in CURRENCIES:
            for name in (*PAYERS, *SHOPS):
                assert city.deposit(name, currency) == model.held[name, currency], (name, currency)
            for bank in BANKS:
                assert city.reserve(bank, currency) == model.reserve[bank, currency], (bank, currency)
                assert city.batch(bank, currency).rolled_over_times == model.rolled[bank, currency]
                for holder in (bank, NETWORK_HOLDER):
                    assert city.fees(holder, bank, currency) == model.earned[holder, bank, currency]
                for other in BANKS:
                    assert city.owed(bank, other, currency) == model.owed[bank, other, currency]
            for shop in SHOPS:
                assert city.money(shop, currency) == model.money(shop, currency), (shop, currency)

    @invariant()
    def every_payments_money_is_where_the_model_has_it(self) -> None:
        for expected in self.money.payments:
            paid = self.city.payment(expected.key)
            assert (paid.refunded_minor, paid.net_minor) == (expected.refunded, expected.total - expected.fee)
            number = self.city.batch(paid.debtor, paid.currency).number
            found = money_state(paid.placement, number, self.city.payouts(paid.merchant, paid.currency))
            assert found == self.money.state(expected)

    @invariant()
    def every_payout_is_made_of_what_it_says(self) -> None:
        for shop in SHOPS:
            for currency in CURRENCIES:
                self._check_payouts(shop, currency)

    def _check_payouts(self, shop: str, currency: str) -> None:
        city, payouts = self.city, self.city.payouts(shop, currency)
        counted = [0] * (len(payouts) + 1)

        def count(placement: Placement, minor: int) -> None:
            if not placement.debtor or placement.batch < city.batch(placement.debtor, currency).number:
                counted[first_payout(placement, payouts)] += minor

        for paid in self.money.payments:
            if (paid.shop, paid.currency) == (shop, currency):
                record = city.payment(paid.key)
                count(record.placement, record.net_minor)
        for key, refund in city.state.records(REFUNDS):
            if refund.merchant == shop and city.payment(key[:32]).currency == currency:
                count(refund.placement, -refund.net_minor)
        for payout in payouts:
            if payout.returned_entry:
                count(Placement("", 0, payout.returned_entry), payout.amount_minor)
        left = 0
        assert [payout.payout_account for payout in payouts] == [
            out.account for out in self.money.payouts[shop, currency]
        ]
        for number, payout in enumerate(payouts, start=1):
            assert payout.opening_minor == left
            assert payout.opening_minor + counted[number] == payout.amount_minor + payout.closing_minor
            left = payout.closing_minor
        assert city.position(shop, currency).available_minor == left + counted[0]


def run(examples: int, steps: int) -> None:
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(MoneyMachine, settings=profile)


def test_money_does_what_the_plain_model_does() -> None:
    run(examples=12, steps=40)


@pytest.mark.slow
def test_money_does_what_the_plain_model_does_for_long() -> None:
    run(examples=rounds(40), steps=120)
