"""All messages of all capabilities, and all that governance decides, driven at random beside one plain model.

Messages share blocks of eight steps, as on a network: each sees what those before it wrote. After each block every
figure, key and date is the model's, and all invariants hold. A refusal is the model's by its name.

The runs are the same every time. CHAINPOS_EXPLORE=20 makes twenty times as many steps, at random; what fails then is
printed as a program and kept in .hypothesis, where the next run finds it again.

Faults planted to see it fail are those of test_planted_faults.py, which plays each by a script, and of the machines
that this one is made of (test_money_machine.py lists its own).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from chainpos.core.chain.results import TxResult
from chainpos.core.contracts import registry
from chainpos.core.contracts.context import BlockFacts, Context
from chainpos.core.state.journal import Journal
from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import Rejected
from tests.core.contracts.city import BANKS, SHOPS, City
from tests.core.contracts.conftest import BANK, CHAIN_ID, CNY, KINDS, WALLET, Key, key_of
from tests.core.contracts.plain_model import CYCLE_S
from tests.core.contracts.register_machine import RegisterMachine
from tests.core.contracts.test_money_machine import (
    CAP,
    CURRENCIES,
    OPENING,
    OPENING_HKD,
    PAYERS,
    RESERVES,
    MoneyMachine,
    amounts,
    shops,
    values,
)
from tests.core.contracts.test_standing_machine import names
from tests.core.contracts.whole_model import WholeMoney, WholeStanding
from tests.seeds import EXPLORE, rounds

PEOPLE = {"alice": (BANK, 1_000_000), "bob": (WALLET, 500_000)}
BLOCK_STEPS = 8
# Four parts, so that they run beside each other; 200,000 steps together, though many an example ends before its last.
PARTS, EXAMPLES, STEPS, AT_LEAST = 4, 310, 200, 200_000
TURNS, MORE = 5, 30
# What was accepted, and what was refused, in this process: by message or change, and by code.
seen: Counter[str] = Counter()


class BlockCity(City):
    """A city whose messages share a block until it is ended; whoever looks at the ledger, or waits, ends it."""

    journal: Journal | None = None
    facts: BlockFacts

    def run(self, message: msgspec.Struct, signer: str | Key) -> TxResult:
        if self.journal is None:
            self.journal = Journal(self.state)
            self.facts = BlockFacts(CHAIN_ID, self.height + 1, self.time_s * SECOND_NS, bytes(20))
        self._serial += 1
        body_hash = sha256(b"body %d" % self._serial)
        key = key_of(signer) if isinstance(signer, str) else signer
        ctx = Context(
            self.journal, self.facts, registry.PORTS, signer=key.public, tx_hash=body_hash[::-1], body_hash=body_hash
        )
        mark, known = self.journal.mark(), KINDS[type(message)]
        try:
            data = known.rule(ctx, message)
        except Rejected as refusal:
            self.journal.rollback(mark)
            seen[refusal.code.name] += 1
            return TxResult(code=refusal.code.number, log=refusal.code.name, info=refusal.detail)
        seen[known.kind] += 1
        seen.update(attribute.value for event in ctx.events if event.type == "governance.enacted"
                    for attribute in event.attributes if attribute.key == "change")  # fmt: skip
        return TxResult(data=data, events=tuple(ctx.events))

    def end_block(self) -> None:
        """Commit what the block's messages wrote."""
        journal, self.journal = self.journal, None
        if journal is not None:
            self.state.commit(self.state.stage(journal.changes()))
            self.height += 1

    def context(self, signer: str | Key = "nobody") -> Context:
        self.end_block()
        return super().context(signer)

    def advance(self, seconds: int) -> None:
        self.end_block()
        super().advance(seconds)


class WholeMachine(MoneyMachine, RegisterMachine):
    """The city and all of its models, side by side."""

    city: BlockCity
    money: WholeMoney
    cycle_s = CYCLE_S

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        self.city = self.world = BlockCity(values())
        banks = {name: bank for name, (bank, _) in PEOPLE.items()}
        self.money = WholeMoney(dict(SHOPS), PAYERS | banks, BANKS, CAP)
        self.standing = self.money.standing = WholeStanding(self.money, lambda: self.city.time_s)
        for name, minor in (OPENING | {name: minor for name, (_, minor) in PEOPLE.items()}).items():
            self.money.held[name, CNY] = minor
        for name, minor in OPENING_HKD.items():
            self.money.held[name, "HKD"] = minor
        for bank, minor in RESERVES.items():
            for currency in CURRENCIES:
                self.money.reserve[bank, currency] = minor
        self.sales, self.orders, self.accepted, self.steps = [], 0, [], 0

    def run(self, message: Any, signer: str, expected: str) -> TxResult:
        """Whoever is meant signs with the key that acts for him now."""
        keys = self.standing.bank_keys | {"TEAHOUSE.owner": self.standing.shop.owner}
        return super().run(message, keys.get(signer, signer), expected)

    @rule(name=names, shop=shops, amount=amounts, by_code=st.booleans(), is_stale=st.sampled_from([False, False, True]))
    def buy_as_a_person(self, name: str, shop: str, amount: int, by_code: bool, is_stale: bool) -> None:
        sale, asked = self._ask(shop, amount, CNY, tips=False, static=False)
        key = name if is_stale else self.standing.people[name].key
        self.money.stale_key = key
        expected = self.money.pay(asked, name, amount, 0, self.city.time_s, sale.id, by_code=by_code)
        self.money.stale_key = ""
        if by_code:
            self.run(self.city.charge(sale, key, max_minor=2**62), f"{shop}.till", expected)
        else:
            self.run(sale.pay(), key, expected)

    @invariant()
    def after_each_block_all_is_as_the_models_say(self) -> None:
        self.steps += 1
        seen["steps"] += 1
        if self.steps % BLOCK_STEPS == 0:
            self.end_block()

    def teardown(self) -> None:
        self.end_block()

    def end_block(self) -> None:
        self.city.end_block()
        self.city.check()
        self.compare()
        MoneyMachine.every_figure_is_the_models(self)
        MoneyMachine.every_payments_money_is_where_the_model_has_it(self)
        MoneyMachine.every_payout_is_made_of_what_it_says(self)

    # These are asked after each block and not after each step.
    def every_invariant_holds(self) -> None: ...
    def every_figure_is_the_models(self) -> None: ...
    def every_payments_money_is_where_the_model_has_it(self) -> None: ...
    def every_payout_is_made_of_what_it_says(self) -> None: ...
    def the_ledger_is_as_the_model_says(self) -> None: ...


def drive(part: int, examples: int, steps: int) -> None:
    """The same steps at each call with the same `part`, unless CHAINPOS_EXPLORE asks for others."""

    class Part(WholeMachine):
        """Hypothesis derives the steps of a reproducible run from this class' name and place."""

    Part.__name__ = Part.__qualname__ = f"Part{part}"
    run_state_machine_as_test(
        Part,
        settings=settings(
            max_examples=rounds(examples),
            stateful_step_count=steps,
            deadline=None,
            derandomize=not EXPLORE,
            database=DirectoryBasedExampleDatabase(".hypothesis/examples") if EXPLORE else None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_everything_is_as_the_plain_models_say() -> None:
    drive(0, examples=10, steps=50)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(1, PARTS + 1))
def test_everything_is_as_the_plain_models_say_for_long(part: int) -> None:
    seen.clear()
    drive(part, EXAMPLES, STEPS)
    # How many steps an example has, and which, hangs on what hypothesis finds in the code: more may be needed.
    for turn in range(1, TURNS):
        if seen["steps"] < AT_LEAST // PARTS or unmet():
            drive(part + turn * PARTS, MORE, STEPS)
    assert seen["steps"] >= AT_LEAST // PARTS
    assert unmet() == []


def unmet() -> list[str]:
    """Each run meets every message and every kind of change accepted; else the models would prove little."""
    return [kind for kind in (*registry.MESSAGES, *registry.CHANGES) if not seen[kind]]
