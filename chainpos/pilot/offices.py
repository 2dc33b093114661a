"""The sample city's offices on one day, each by its own signed messages: what a network has them for, once each.

Governance decides an alert rule, and a busy wallet meets it; the regulator freezes a wallet whose payment is then
refused, and the bank agrees; a shop's payouts go out, one arrives and one comes back. It refuses to say of anything
that it was done before a verified block has it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from chainpos.core.chain.envelope import tx_hash
from chainpos.core.contracts.compliance.changes import SetAlertRules
from chainpos.core.contracts.compliance.codes import ACCOUNT_FROZEN
from chainpos.core.contracts.compliance.messages import Agree, Freeze
from chainpos.core.contracts.compliance.records import ACTIVITY, AlertRule
from chainpos.core.contracts.governance.messages import Approve, Propose, change_hash
from chainpos.core.contracts.ports import account_subject
from chainpos.core.contracts.settlement.messages import ConfirmPayout, FailPayout, RequestPayout
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.timestamps import DAY_S
from chainpos.errors import UserFacingError
from chainpos.pilot.acts import Hands, Sale
from chainpos.pilot.city import City, Customer, Merchant
from chainpos.pilot.genesis import CURRENCY, customer_key, institution_key, owner_key, role_key
from chainpos.sync.light import Included
from chainpos.wallet.keys import Key
from chainpos.wallet.network import Network
from chainpos.wallet.office import ActEnd, ActResult, Office

# A rule must lie ahead of the block that decides it.
RULE_AHEAD_S: Final = 5
RULE_NAME: Final = "four_in_ten_minutes"
RULE_PAYMENTS: Final = 4
RULE_WINDOW_S: Final = 600
PRICE_MINOR: Final = 1_200
PAYOUT_MINOR: Final = 500
WAIT_S: Final = 15.0
TRIES: Final = 6
CLOSED: Final = "the bank account was closed"
Told = Callable[[str, int], None]
Failed = Callable[[str, str], None]
_log = logging.getLogger(__name__)


class NotDone(UserFacingError):
    """An office's act that did not come about."""


class Offices:
    """Everybody who acts for the city.

    `told(what, height)` hears of each thing that was done, `failed(work, why)` of each that did not come about.
    """

    def __init__(
        self, city: City, network: Network, hands: Hands, counter: Merchant, told: Told, failed: Failed
    ) -> None:
        self._city = city
        self._network = network
        self._hands = hands
        self._told = told
        self._failed = failed
        self._random = random.Random()
        self._number = 0
        # The counter's own customers and shop are left alone: somebody is looking at them.
        self._shops = [row for row in city.merchants if row.merchant != counter.merchant]
        self._customers = [row for row in city.customers if row.city != counter.city]
        # A customer is in one office's story only: a wallet that is frozen in one cannot pay in another.
        self._cast: set[str] = set()

    async def day(self) -> None:
        """All of it, side by side; what does not come about is logged, and not told."""
        async with asyncio.TaskGroup() as group:
            for work in (self.rule_and_alert, self.freeze, self.payouts):
                group.create_task(self._logged(work.__name__, work), name=work.__name__)

    async def rule_and_alert(self) -> None:
        """Two offices decide what is watched; a wallet then pays often enough to be told of, and is not stopped."""
        from_s = int(time.time()) + RULE_AHEAD_S
        rule = AlertRule(RULE_NAME, CURRENCY, RULE_WINDOW_S, 0, MAX_MINOR, RULE_PAYMENTS, 0)
        change = msgspec.msgpack.encode(SetAlertRules(from_s, (rule,)))
        kind = "compliance.alert_rules"
        propose = Propose(
            "operator", kind, change, "Tell of wallets that pay four times in ten minutes", from_s + DAY_S
        )
        proposed = await self._done(role_key("operator"), "governance.propose", propose)
        number = int.from_bytes(proposed.data, "big")
        approve = Approve(number, "regulator", change_hash(kind, change))
        decided = await self._done(role_key("regulator"), "governance.approve", approve)
        self._told("governance", decided.height)
        await asyncio.sleep(max(from_s + 1 - time.time(), 0))
        payer, shop = self._pair()
        # Block time is some blocks behind the clock, so that the first payments may come before the rule does; and a
        # window may end in between.
        for _ in range(3 * RULE_PAYMENTS):
            paid = await self._pay(payer, shop, PRICE_MINOR)
            activity = await self._network.record(ACTIVITY, customer_key(payer.customer).address)
            if activity.record is not None and any(mark.is_told for mark in activity.record.marks):
                self._told("alert", paid.height)
                return
        raise NotDone("No alert was told.", next_step="Look at the alert rules on the ledger.")

    async def freeze(self) -> None:
        """A wallet is frozen just as it pays, so that the ledger shows why not; its institution agrees."""
        for attempt in range(TRIES):
            payer, shop = self._pair()
            account, now_s = customer_key(payer.customer).address, int(time.time())
            order = f"Order {now_s}-{attempt + 1}"
            frozen = Freeze(account_subject(account), order, now_s + 30 * DAY_S)
            ordered = self._hands.sign(role_key("regulator"), "compliance.freeze", frozen, now_s)
            paying = self._hands.pay(self._sale(shop, PRICE_MINOR), payer, now_s)
            # Together: after the freeze has been executed, no node would take the payment into a block.
            await asyncio.gather(self._network.broadcast(ordered), self._network.broadcast(paying))
            await self._included(ordered)
            agree = Agree(account_subject(account), order)
            await self._done(institution_key(payer.institution), "compliance.agree", agree)
            found = await self._network.included(tx_hash(paying))
            if found is not None and found.result.code == ACCOUNT_FROZEN.number:
                self._told("frozen", found.height)
                return
        raise NotDone("No payment met its freeze in a block.", next_step="Look at the log of the citizens.")

    async def payouts(self) -> None:
        """A shop asks for two payouts; the bank sends both, one arrives, the other comes back."""
        payer, shop = self._pair(same_bank=True)
        await self._pay(payer, shop, 2 * PAYOUT_MINOR + PRICE_MINOR)
        bank = institution_key(shop.acquirer)
        numbers = []
        for _ in range(2):
            request = RequestPayout(shop.merchant, CURRENCY, PAYOUT_MINOR)
            asked = await self._done(owner_key(shop.merchant), "settlement.request_payout", request)
            numbers.append(int.from_bytes(asked.data, "big"))
        reference = f"BANK{int(time.time())}{numbers[0]:04d}"
        confirm = ConfirmPayout(shop.merchant, CURRENCY, numbers[0], reference)
        arrived = await self._done(bank, "settlement.confirm_payout", confirm)
        self._told("payout_confirmed", arrived.height)
        fail = FailPayout(shop.merchant, CURRENCY, numbers[1], CLOSED)
        returned = await self._done(bank, "settlement.fail_payout", fail)
        self._told("payout_failed", returned.height)

    async def _logged(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except UserFacingError as error:
            _log.warning("%s: %s", name, error.sentence())
            self._failed(name, error.sentence())

    def _pair(self, *, same_bank: bool = False) -> tuple[Customer, Merchant]:
        """A shop, and a customer of its city who has no part yet; with one institution, where asked."""
        while True:
            shop = self._random.choice(self._shops)
            near = [
                row
                for row in self._customers
                if row.city == shop.city
                and row.customer not in self._cast
                and row.opening_balance_minor > 20 * PRICE_MINOR
                and (not same_bank or row.institution == shop.acquirer)
            ]
            if near:
                payer = self._random.choice(near)
                self._cast.add(payer.customer)
                return payer, shop

    def _sale(self, shop: Merchant, minor: int) -> Sale:
        self._number += 1
        now_s = int(time.time())
        return self._hands.request(shop, minor, f"{shop.merchant}-O{now_s}-{self._number}", now_s)

    async def _pay(self, payer: Customer, shop: Merchant, minor: int) -> Included:
        wire = self._hands.pay(self._sale(shop, minor), payer, int(time.time()))
        answer = await self._network.broadcast(wire)
        if answer.code:
            raise NotDone(f"A payment was refused with code {answer.code}.", next_step="Look at the ledger.")
        included = await self._included(wire)
        if included.result.code:
            what = f"A payment was refused in its block with code {included.result.code}."
            raise NotDone(what, next_step="Look at the ledger.")
        return included

    async def _done(self, key: Key, kind: str, message: msgspec.Struct) -> ActResult:
        result = await Office(self._network, key).act(kind, message)
        if result.end is not ActEnd.DONE:
            raise NotDone(f"{kind} ended as {result.end.value} (code {result.code}).", next_step="Look at the ledger.")
        return result

    async def _included(self, wire: bytes) -> Included:
        until = time.monotonic() + WAIT_S
        while (found := await self._network.included(tx_hash(wire))) is None:
            if time.monotonic() > until:
                raise NotDone("A transaction that was sent is in no block.", next_step="Look at the validator's log.")
            await asyncio.sleep(0.1)
        return found
