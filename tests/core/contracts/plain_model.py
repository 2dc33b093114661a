"""What payments, refunds and settlement should do, said again in the plainest way: dicts, fractions, lists walked over.

It shares no arithmetic, no record and no numbering with what it checks. Each call returns the name of the refusal, or
"" and changes the model.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from math import floor

from chainpos.core.values.timestamps import DAY_S

UTC_OFFSET_S = 28_800
CYCLE_S = 60
TILL_REFUND_MINOR = 100_000
STATIC_MINOR = 50_000
SINGLE_MINOR, DAILY_MINOR = 5_000_000, 10_000_000


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def first(*refusals: tuple[str, bool]) -> str:
    """The first that holds, or ""."""
    return next((name for name, holds in refusals if holds), "")


@dataclass
class Paid:
    """One payment; `waits_for` is a debtor whose cycle has not settled, `payout` the one that last took its money."""

    key: bytes
    shop: str
    payer: str
    currency: str
    amount: int
    tip: int
    fee: int
    network: int
    waits_for: str
    payout: int = 0
    refunded: int = 0
    fee_back: int = 0
    network_back: int = 0
    references: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        return self.amount + self.tip


@dataclass
class Asked:
    """One request of a till, and what became of it."""

    shop: str
    amount: int
    currency: str
    expires_s: int
    tips: bool
    static: bool
    paid: bool = False
    cancelled: bool = False


@dataclass
class Out:
    """One payout."""

    amount: int
    account: str
    state: str = "payout_requested"


class PlainModel:
    """The money of a city. `shops` name (acquirer, mode), `payers` their institution; caps are the same for all."""

    def __init__(
        self, shops: dict[str, tuple[str, str]], payers: dict[str, str], banks: tuple[str, ...], cap: int
    ) -> None:
        self.shops, self.payers, self.banks, self.cap = shops, payers, banks, cap
        self.held: dict[tuple[str, str], int] = defaultdict(int)  # of customers and shops
        self.reserve: dict[tuple[str, str], int] = defaultdict(int)
        self.earned: dict[tuple[str, str, str], int] = defaultdict(int)  # (holder, bank, currency)
        self.owed: dict[tuple[str, str, str], int] = defaultdict(int)  # (debtor, creditor, currency)
        self.rolled: dict[tuple[str, str], int] = defaultdict(int)  # (debtor, currency): cycles in a row
        self.available: dict[tuple[str, str], int] = defaultdict(int)
        self.payouts: dict[tuple[str, str], list[Out]] = defaultdict(list)
        self.payments: list[Paid] = []
        self.spent: dict[tuple[str, str, int], int] = defaultdict(int)
        self.spent_static: dict[tuple[str, str, int], int] = defaultdict(int)
        self.spent_code: dict[tuple[str, str, int], int] = defaultdict(int)
        self.till_refunds: dict[tuple[str, int], int] = defaultdict(int)
        self.closed_s: dict[str, int] = {}

    # What somebody else may say, where payments are not all there is

    def mode(self, shop: str) -> str:
        """How a shop is settled now."""
        return self.shops[shop][1]

    def rate(self, _shop: str, /) -> int:
        """What a shop pays for a payment, in hundredths of a percent."""
        return 38

    def account(self, shop: str) -> str:
        """Where its payouts go now."""
        return "CN-NOODLES-001" if shop == "NOODLES" else "CN-TEAHOUSE-001"

    def limits(self, payer: str) -> tuple[int, int, int]:
        """What a payer may pay at once, in a day, and by codes in a day."""
        return (2**63, 2**63, 2**63) if payer == "erin" else (SINGLE_MINOR, DAILY_MINOR, 2**63)

    def shop_refuses(self, _shop: str, total: int, /) -> str:
        """Why a shop's till may not take so much."""
        return "over_till_limit" if total > 10_000_000 else ""

    def payer_refuses(self, _payer: str, /) -> str:
        """Why a payer may not pay."""
        return ""

    def shop_is_closed(self, _shop: str, /) -> str:
        """Why a shop does nothing."""
        return ""

    def actor_refuses(self, _shop: str, _actor: str, /) -> str:
        """Why its "till" or "owner" may not act for a shop."""
        return ""

    def money_is_held(self, _shop: str, /) -> str:
        """Why nothing may leave a shop."""
        return ""

    def payer_is_gone(self, _payer: str, /) -> str:
        """Why nothing can come back to a payer."""
        return ""

    def bank_refuses(self, _bank: str, /) -> str:
        """Why a bank may not act."""
        return ""

    def till_refunds_most(self, _shop: str, /) -> int:
        """What a shop's till may return in a day."""
        return TILL_REFUND_MINOR

    def cap_of(self, _bank: str, /) -> int:
        """What a bank may owe all others, less what they owe it."""
        return self.cap

    # What institutions owe each other

    def net_debit(self, bank: str, currency: str) -> int:
        out = sum(minor for (debtor, _, c), minor in self.owed.items() if debtor == bank and c == currency)
        return out - sum(minor for (_, creditor, c), minor in self.owed.items() if creditor == bank and c == currency)

    def _pass_on(self, debtor: str, creditor: str, mode: str, currency: str, minor: int) -> tuple[str, str]:
        """(refusal, whom the money waits for)."""
        if debtor == creditor:
            return "", ""
        if mode == "instant" and self.reserve[debtor, currency] >= minor:
            self.reserve[debtor, currency] -= minor
            self.receive(creditor, currency, minor)
            return "", ""
        if self.net_debit(debtor, currency) + minor > max(self.cap_of(debtor), 0):
            return "net_debit_cap", ""
        self.owed[debtor, creditor, currency] += minor
        return "", debtor

    # Payments

    def pay(
        self, asked: Asked, payer: str, amount: int, tip: int, now_s: int, key: bytes, *, by_code: bool = False
    ) -> str:
        """A payment of `asked` by whatever way; `key` is what the ledger will call it."""
        total, day = amount + tip, (now_s + UTC_OFFSET_S) // DAY_S
        single, daily, code = self.limits(payer)
        coded = self.spent_code[payer, asked.currency, day] + total
        asked_for = first(
            ("tip_not_allowed", tip > 0 and not asked.tips),
            ("nothing_to_pay", amount == 0),
            ("underpaid", asked.amount > amount),
            ("overpaid", 0 < asked.amount < amount),
            ("already_paid", asked.paid and not asked.static),
            ("request_cancelled", asked.cancelled),
            ("request_expired", 0 < asked.expires_s <= now_s),
        )
        agreed = asked_for or self.shop_refuses(asked.shop, total) or self.payer_refuses(payer)
        refusal = agreed or first(
            ("over_single_limit", total > single),
            ("over_daily_limit", self.spent[payer, asked.currency, day] + total > daily),
            ("over_code_cap", by_code and coded > code),
            ("over_static_cap", asked.static and self.spent_static[payer, asked.currency, day] + total > STATIC_MINOR),
            ("insufficient_funds", self.held[payer, asked.currency] < total),
        )
        if refusal:
            return refusal
        acquirer, mode = self.shops[asked.shop][0], self.mode(asked.shop)
        refusal, waits_for = self._pass_on(self.payers[payer], acquirer, mode, asked.currency, total)
        if refusal:
            return refusal
        fee = min(max(half_up(Fraction(amount * self.rate(asked.shop), 10_000)), 2), 150, amount)
        network = half_up(Fraction(fee, 5))
        self.held[payer, asked.currency] -= total
        self.held[asked.shop, asked.currency] += total - fee
        self.earned["NETWORK", acquirer, asked.currency] += network
        self.earned[acquirer, acquirer, asked.currency] += fee - network
        self.spent[payer, asked.currency, day] += total
        self.spent_static[payer, asked.currency, day] += total if asked.static else 0
        self.spent_code[payer, asked.currency, day] += total if by_code else 0
        if not waits_for:
            self.available[asked.shop, asked.currency] += total - fee
        asked.paid = True
        self.payments.append(Paid(key, asked.shop, payer, asked.currency, amount, tip, fee, network, waits_for))
        return ""

    def cancel(self, asked: Asked, now_s: int) -> str:
        """The till takes its request back."""
        if refusal := self.actor_refuses(asked.shop, "till"):
            return refusal
        if asked.paid and not asked.static:
            return "already_paid"
        if asked.cancelled:
            return "request_cancelled"
        if 0 < asked.expires_s <= now_s:
            return "request_expired"
        asked.cancelled = True
        return ""

    def refund(self, paid: Paid, minor: int, reference: str, now_s: int, *, by_till: bool) -> str:
        """Some of a payment goes back."""
        day, currency = (now_s + UTC_OFFSET_S) // DAY_S, paid.currency
        refused = self.shop_is_closed(paid.shop) or first(
            ("already_refunded", reference in paid.references),
            ("nothing_to_refund", minor == 0),
            ("exceeds_payment", paid.refunded + minor > paid.total),
        )
        refused = refused or self.actor_refuses(paid.shop, "till" if by_till else "owner")
        over = self.till_refunds[paid.shop, day] + minor > self.till_refunds_most(paid.shop)
        refused = refused or first(("over_till_refund_limit", by_till and over))
        if refused := refused or self.money_is_held(paid.shop) or self.payer_is_gone(paid.payer):
            return refused
        fee_back = half_up(Fraction(paid.fee * min(paid.refunded + minor, paid.amount), paid.amount))
        network_back = half_up(Fraction(paid.network * fee_back, paid.fee))
        net = minor - (fee_back - paid.fee_back)
        acquirer, mode = self.shops[paid.shop][0], self.mode(paid.shop)
        payers_bank = self.payers[paid.payer]
        if paid.waits_for:
            after = self.net_debit(acquirer, currency) + minor
            if after > max(self.cap_of(acquirer), 0):
                return "net_debit_cap"
            self.owed[payers_bank, acquirer, currency] -= minor
            if not any(self.owed[payers_bank, other, currency] for other in self.banks):
                self.rolled[payers_bank, currency] = 0
        else:
            if self.available[paid.shop, currency] < net:
                return "not_enough_available"
            refusal, _ = self._pass_on(acquirer, payers_bank, mode, currency, minor)
            if refusal:
                return refusal
            self.available[paid.shop, currency] -= net
        self.held[paid.shop, currency] -= net
        self.held[paid.payer, currency] += minor
        self.earned["NETWORK", acquirer, currency] -= network_back - paid.network_back
        self.earned[acquirer, acquirer, currency] -= (fee_back - network_back) - (paid.fee_back - paid.network_back)
        self.till_refunds[paid.shop, day] += minor if by_till else 0
        paid.refunded, paid.fee_back, paid.network_back = paid.refunded + minor, fee_back, network_back
        paid.references.add(reference)
        return ""

    # Settlement

    def _largest(self, debtors: list[str], currency: str) -> tuple[str, ...]:
        for size in range(len(debtors), 0, -1):
            for some in combinations(debtors, size):
                if all(self.reserve[bank, currency] + self._gain(bank, some, currency) >= 0 for bank in self.banks):
                    return some
        return ()

    def _gain(self, bank: str, debtors: tuple[str, ...], currency: str) -> int:
        gain = 0
        for (debtor, creditor, c), minor in self.owed.items():
            if c == currency and debtor in debtors:
                gain += minor * ((creditor == bank) - (debtor == bank))
        return gain

    def _debtors(self, currency: str) -> list[str]:
        return [bank for bank in self.banks if any(self.owed[bank, other, currency] for other in self.banks)]

    def _settle(self, debtors: tuple[str, ...], currency: str) -> None:
        gains = {bank: self._gain(bank, debtors, currency) for bank in self.banks}
        for bank, gain in gains.items():
            self.reserve[bank, currency] += gain
        for debtor in debtors:
            self.rolled[debtor, currency] = 0
            for other in self.banks:
                self.owed[debtor, other, currency] = 0
        for paid in self.payments:
            if paid.waits_for in debtors and paid.currency == currency:
                paid.waits_for = ""
                self.available[paid.shop, currency] += paid.total - paid.refunded - (paid.fee - paid.fee_back)

    def close(self, currency: str, now_s: int, genesis_s: int, bank: str) -> str:
        """The cycle that ended at the last full minute."""
        if refusal := self.bank_refuses(bank):
            return refusal
        cutoff_s = now_s // CYCLE_S * CYCLE_S
        if cutoff_s <= self.closed_s.get(currency, genesis_s // CYCLE_S * CYCLE_S):
            return "before_cutoff"
        debtors = self._debtors(currency)
        if not debtors:
            return "nothing_to_settle"
        settled = self._largest(debtors, currency)
        self._settle(settled, currency)
        for debtor in debtors:
            self.rolled[debtor, currency] += debtor not in settled
        self.closed_s[currency] = cutoff_s
        return ""

    def receive(self, bank: str, currency: str, minor: int) -> None:
        """Reserves come: if the bank was rolled over and settles with them, so does whoever can beside it."""
        self.reserve[bank, currency] += minor
        settled = self._largest(self._waiting(currency), currency)
        if bank in settled:
            self._settle(settled, currency)

    def _waiting(self, currency: str) -> list[str]:
        return [bank for bank in self._debtors(currency) if self.rolled[bank, currency]]

    def resolve(self, currency: str) -> str:
        """What was rolled over, against each other."""
        settled = self._largest(self._waiting(currency), currency)
        if not settled:
            return "nothing_resolved"
        self._settle(settled, currency)
        return ""

    # Payouts

    def ask(self, shop: str, currency: str, minor: int, by: str) -> str:
        """A payout of what is available; the payments that are have their money in it."""
        if refusal := self.shop_is_closed(shop) or self.actor_refuses(shop, by) or self.money_is_held(shop):
            return refusal
        if minor == 0:
            return "nothing_to_pay_out"
        if minor > self.available[shop, currency]:
            return "not_enough_available"
        self.available[shop, currency] -= minor
        self.payouts[shop, currency].append(Out(minor, self.account(shop)))
        for paid in self._of(shop, currency):
            if not paid.waits_for and not paid.payout:
                paid.payout = len(self.payouts[shop, currency])
        return ""

    def decide(self, shop: str, currency: str, number: int, *, sent: bool) -> str:
        """The acquirer's answer."""
        if not 1 <= number <= len(self.payouts[shop, currency]):
            return "unknown_payout"
        if refusal := self.bank_refuses(self.shops[shop][0]):
            return refusal
        out = self.payouts[shop, currency][number - 1]
        if out.state != "payout_requested":
            return "payout_decided"
        out.state = "paid_out" if sent else "failed"
        if sent:
            self.held[shop, currency] -= out.amount
        else:
            self.available[shop, currency] += out.amount
            for paid in self._of(shop, currency):
                if paid.payout == number:
                    paid.payout = 0
        return ""

    def _of(self, shop: str, currency: str) -> list[Paid]:
        return [paid for paid in self.payments if (paid.shop, paid.currency) == (shop, currency)]

    def money(self, shop: str, currency: str) -> tuple[int, int, int, int]:
        """(pending, available, requested, paid out)."""
        pending = sum(
            paid.total - paid.refunded - (paid.fee - paid.fee_back)
            for paid in self._of(shop, currency)
            if paid.waits_for
        )
        outs = self.payouts[shop, currency]
        requested = sum(out.amount for out in outs if out.state == "payout_requested")
        return pending, self.available[shop, currency], requested, sum(o.amount for o in outs if o.state == "paid_out")

    def state(self, paid: Paid) -> str:
        """Where a payment's money is."""
        if paid.waits_for:
            return "pending"
        if not paid.payout:
            return "available"
        return self.payouts[paid.shop, paid.currency][paid.payout - 1].state
