"""The script of one trading day in the sample city: who pays whom when, and what goes wrong.

The same seed gives the same day on every machine. It knows nothing of blocks: it yields signed transactions by moment.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from chainpos.core.contracts.balances.messages import Issue, Redeem
from chainpos.core.contracts.compliance.messages import Freeze, Release
from chainpos.core.contracts.institutions.messages import FundReserve
from chainpos.core.contracts.payments.messages import Cancel
from chainpos.core.contracts.ports import account_subject
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.contracts.settlement.messages import Close, ConfirmPayout, FailPayout, RequestPayout
from chainpos.core.values.hashes import sha256
from chainpos.pilot.acts import Hands, Sale
from chainpos.pilot.city import Article, City, Merchant
from chainpos.pilot.genesis import CURRENCY, customer_key, institution_key, owner_key, role_key, till_key

STEP_S: Final = 90
STEPS: Final = 400
SALES_A_STEP: Final = 4
PAYOUT_MINOR: Final = 5_000


class Day:
    """Draws the day's events. `moments` yields (unix second, transactions) in time order."""

    def __init__(self, city: City, catalogues: dict[str, tuple[Article, ...]], chain_id: str, *, seed: int) -> None:
        self._city = city
        self._catalogues = catalogues
        self._hands = Hands(chain_id, self._nonce)
        self._random = random.Random(seed)
        self._drawn = 0
        self._paid: list[Sale] = []
        self._payouts: dict[str, int] = {}
        self._waiting: list[tuple[Merchant, int]] = []

    def moments(self, opens_s: int) -> Iterator[tuple[int, list[bytes]]]:
        """The whole day from `opens_s` on."""
        for step in range(STEPS):
            now_s = opens_s + (step + 1) * STEP_S
            transactions = [wire for _ in range(SALES_A_STEP) for wire in self._sale(now_s)]
            transactions += self._back_office(step, now_s)
            yield now_s, transactions

    def _sale(self, now_s: int) -> Iterator[bytes]:
        merchant = self._random.choice(self._city.merchants)
        customer = self._random.choice([row for row in self._city.customers if row.city == merchant.city])
        sale = self._request(merchant, now_s)
        fate = self._random.random()
        if fate < 0.04:
            yield self._hands.sign(till_key(merchant.merchant), "payments.cancel", Cancel(sale.signed.encoded), now_s)
            if fate < 0.02:  # the customer's telephone was slower than the till
                yield self._hands.pay(sale, customer, now_s)
            return
        if fate < 0.16:
            yield self._hands.charge(sale, customer, now_s)
            return
        under = 1 if fate < 0.18 else 0
        yield self._hands.pay(sale, customer, now_s, minor=sale.minor - under)
        if under == 0:
            self._paid.append(sale)
        if 0.18 <= fate < 0.20:  # two of the family pay the same bill
            yield self._hands.pay(sale, self._random.choice(self._city.customers), now_s)

    def _back_office(self, step: int, now_s: int) -> Iterator[bytes]:
        if step % 6 == 5 and self._paid:
            yield self._refund(self._paid.pop(self._random.randrange(len(self._paid))), now_s)
        if step % 40 == 39:
            yield self._hands.sign(role_key("operator"), "settlement.close", Close("", CURRENCY), now_s)
        if step % 25 == 24:
            yield from self._ask_for_payouts(now_s)
        elif step % 25 == 4:
            yield from self._decide_payouts(now_s)
        if step % 30 == 10:
            yield from self._bank_counter(step, now_s)
        if step == 120:
            frozen = account_subject(customer_key(self._city.customers[7].customer).address)
            order = Freeze(frozen, "Order 2026-17", now_s + 86_400)
            yield self._hands.sign(role_key("regulator"), "compliance.freeze", order, now_s)
        if step == 260:
            frozen = account_subject(customer_key(self._city.customers[7].customer).address)
            yield self._hands.sign(role_key("regulator"), "compliance.release", Release(frozen, "Order 2026-18"), now_s)
        if step in (130, 200):
            sale = self._request(self._city.merchants[3], now_s)
            yield self._hands.pay(sale, self._city.customers[7], now_s)

    def _request(self, merchant: Merchant, now_s: int) -> Sale:
        basket = self._random.choices(self._catalogues[merchant.catalogue], k=self._random.choice((1, 1, 1, 2, 2, 3)))
        minor = sum(article.price_minor for article in basket)
        return self._hands.request(merchant, minor, f"{merchant.merchant}-{self._next():05d}", now_s)

    def _refund(self, sale: Sale, now_s: int) -> bytes:
        whole = self._random.random() < 0.5
        minor = sale.minor if whole else max(1, sale.minor // 3)
        refund = Refund(sale.signed.id, minor, f"R{self._next():05d}", "goods returned")
        return self._hands.sign(till_key(sale.merchant.merchant), "refunds.refund", refund, now_s)

    def _ask_for_payouts(self, now_s: int) -> Iterator[bytes]:
        for merchant in self._random.sample(self._city.merchants, 4):
            message = RequestPayout(merchant.merchant, CURRENCY, PAYOUT_MINOR)
            self._waiting.append((merchant, now_s))
            yield self._hands.sign(owner_key(merchant.merchant), "settlement.request_payout", message, now_s)

    def _decide_payouts(self, now_s: int) -> Iterator[bytes]:
        # The first payout that was asked for has number 1; one refused for lack of money is refused here again.
        for merchant, _ in self._waiting:
            number = self._payouts[merchant.merchant] = self._payouts.get(merchant.merchant, 0) + 1
            key = institution_key(merchant.acquirer)
            if self._random.random() < 0.1:
                failed = FailPayout(merchant.merchant, CURRENCY, number, "account closed")
                yield self._hands.sign(key, "settlement.fail_payout", failed, now_s)
            else:
                paid = ConfirmPayout(merchant.merchant, CURRENCY, number, f"BANK{self._next():06d}")
                yield self._hands.sign(key, "settlement.confirm_payout", paid, now_s)
        self._waiting.clear()

    def _bank_counter(self, step: int, now_s: int) -> Iterator[bytes]:
        customer = self._random.choice(self._city.customers)
        address, bank = customer_key(customer.customer).address, customer.institution
        reference = f"CASH{self._next():06d}"
        if step % 60 == 10:
            issue = Issue(bank, address, CURRENCY, 20_000, "cash", reference)
            yield self._hands.sign(institution_key(bank), "balances.issue", issue, now_s)
        else:
            redeem = Redeem(bank, address, CURRENCY, 1_000, "cash", reference)
            yield self._hands.sign(institution_key(bank), "balances.redeem", redeem, now_s)
        fund = FundReserve(bank, CURRENCY, 1_000_000, reference)
        yield self._hands.sign(role_key("central_bank"), "institutions.fund_reserve", fund, now_s)

    def _nonce(self) -> bytes:
        return sha256(b"sample day/%d" % self._next())[:16]

    def _next(self) -> int:
        self._drawn += 1
        return self._drawn
