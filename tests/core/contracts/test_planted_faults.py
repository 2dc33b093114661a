"""One fault planted in each capability at a time: the model beside it or an invariant must catch it.

Each script is played twice. Without its fault it passes; with it, the step that goes wrong, or the end of its block, is
found. FAULTS and MONEY_FAULTS are the list of what was tried.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest

from chainpos.core.contracts import registry
from chainpos.core.contracts.anchors import rules as anchors_rules
from chainpos.core.contracts.anchors.records import Series
from chainpos.core.contracts.balances import port as balances_port
from chainpos.core.contracts.balances import rules as balances_rules
from chainpos.core.contracts.balances.port import post
from chainpos.core.contracts.balances.records import ACCOUNTS, Account, account_key, issued_account
from chainpos.core.contracts.compliance import port as compliance_port
from chainpos.core.contracts.compliance import rules as compliance_rules
from chainpos.core.contracts.compliance.changes import SetAlertRules, set_alert_rules
from chainpos.core.contracts.compliance.records import AlertRule
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.customers import port as customers_port
from chainpos.core.contracts.customers import rules as customers_rules
from chainpos.core.contracts.customers.messages import SetTier
from chainpos.core.contracts.customers.records import CUSTOMER_KEYS, CUSTOMERS, KeyHolder
from chainpos.core.contracts.fees import port as fees_port
from chainpos.core.contracts.governance import changes as governance_changes
from chainpos.core.contracts.governance import port as governance_port
from chainpos.core.contracts.governance import rules as governance_rules
from chainpos.core.contracts.governance.changes import SetRole
from chainpos.core.contracts.governance.records import Approval, QuorumStep
from chainpos.core.contracts.institutions import changes as institutions_changes
from chainpos.core.contracts.institutions import port as institutions_port
from chainpos.core.contracts.institutions import rules as institutions_rules
from chainpos.core.contracts.institutions.messages import Register
from chainpos.core.contracts.institutions.records import Directory
from chainpos.core.contracts.merchants import port as merchants_port
from chainpos.core.contracts.merchants import rules as merchants_rules
from chainpos.core.contracts.merchants.records import DelayStep
from chainpos.core.contracts.payments import port as payments_port
from chainpos.core.contracts.payments import rules as payments_rules
from chainpos.core.contracts.ports import DYNAMIC_QR, FeeSplit
from chainpos.core.contracts.refunds import rules as refunds_rules
from chainpos.core.contracts.settlement import clearing
from chainpos.core.contracts.settlement import port as settlement_port
from chainpos.core.contracts.settlement import rules as settlement_rules
from chainpos.core.contracts.settlement.netting import net_out
from chainpos.core.contracts.settlement.records import PAID_OUT
from chainpos.errors import StateMismatch
from tests.core.contracts.city import BANKS, SOUTH
from tests.core.contracts.conftest import BANK, CNY, key_of
from tests.core.contracts.test_standing_machine import StandingMachine
from tests.core.contracts.test_whole_machine import WholeMachine


class Fault(NamedTuple):
    """Where it is planted, what is put there, and the script that meets it."""

    name: str
    where: Any
    attribute: str
    planted: Any
    script: Callable[[Any], None]


def decide_a_role(machine: StandingMachine) -> None:
    machine.propose("role", BANK, True, "operator", "operator", 1)
    machine.approve(0, "city", "city", 1)
    machine.approve(0, "regulator", "regulator", 1)


def propose_as_a_stranger(machine: StandingMachine) -> None:
    machine.propose("role", BANK, True, "city", "alice", 0)


def enact(machine: StandingMachine, apply: Callable[[Context, Any], None], change: msgspec.Struct) -> None:
    """A change as governance would apply it, but for the vote."""
    ctx = machine.world.context()
    apply(ctx, change)
    machine.world.commit(ctx)


def take_a_role_away(machine: StandingMachine) -> None:
    enact(machine, governance_changes.set_role, SetRole("city", key_of("city").public, is_held=False))
    machine.standing.roles["city"].remove("city")


def freeze_and_wait(machine: StandingMachine) -> None:
    machine.freeze("alice", 100, "regulator", 1)
    machine.the_ledger_is_as_the_model_says()
    machine.time_passes(72)


def freeze_again(machine: StandingMachine) -> None:
    freeze_and_wait(machine)
    machine.freeze("alice", 100, "regulator", 1)


def pay_while_watched(machine: StandingMachine) -> None:
    rule = AlertRule("all", CNY, 60, 0, 1_000, 1, 0)
    enact(machine, set_alert_rules, SetAlertRules(machine.world.time_s, (rule,)))
    ctx = machine.world.context()
    customers_port.spend(ctx, machine.world.address("alice"), 5, CNY, DYNAMIC_QR)
    machine.world.commit(ctx)


def rotate(machine: StandingMachine) -> None:
    machine.rotate("alice", "k1", "alice", 1)
    machine.the_ledger_is_as_the_model_says()
    machine.rotate("alice", "k2", "alice", 1)
    machine.the_ledger_is_as_the_model_says()
    machine.rotate("bob", "k1", "bob", 1)


def close_with_money(machine: StandingMachine) -> None:
    machine.answer_for("alice", "close", BANK, 1)


def recover(machine: StandingMachine) -> None:
    machine.start("alice", "k1", BANK, 1)
    machine.time_passes(24)
    machine.answer_for("alice", "complete", BANK, 1)


def set_an_unknown_tier(machine: StandingMachine) -> None:
    machine.both(SetTier(machine.world.address("alice"), "tier_9", "B", bytes(32)), BANK, "unknown_tier")


def announce_terms(machine: StandingMachine) -> None:
    machine.change_terms("instant", "CN-1", "TEAHOUSE.owner", 1)


def certify_otherwise(machine: StandingMachine) -> None:
    machine.certify("Oak", "small", BANK, 1)
    machine.the_ledger_is_as_the_model_says()
    machine.time_passes(24)


def certify_as_the_owner(machine: StandingMachine) -> None:
    machine.certify("Oak", "small", "TEAHOUSE.owner", 0)


def hand_over(machine: StandingMachine) -> None:
    machine.hand_over("owner2", "TEAHOUSE.owner", 1)
    machine.cancel_terms("alice", 0)
    machine.hand_over("TEAHOUSE.owner", "owner2", 1)


def suspend_a_bank(machine: StandingMachine) -> None:
    machine.propose("standing", BANK, True, "operator", "operator", 1)
    machine.approve(0, "regulator", "regulator", 1)


def register_a_bank(machine: StandingMachine) -> None:
    north = Register("abank", "A", "甲", "bank", key_of("abank").public, ())
    enact(machine, institutions_changes.register, north)


def pay_in_cash(machine: StandingMachine) -> None:
    machine.cash("alice", 5, BANK, 1)


def take_cash(machine: StandingMachine) -> None:
    machine.cash("alice", 0, BANK, 1)


def _forgets_the_old_key(ctx: Context, account: bytes, customer: Any, key: bytes) -> None:
    if customer.key != key_of("alice").public:
        ctx.delete(CUSTOMER_KEYS, customer.key)
    ctx.put(CUSTOMER_KEYS, key, KeyHolder(account))
    ctx.put(CUSTOMERS, account, msgspec.structs.replace(customer, key=key))


def _redeems_without_counting(ctx: Context, issuer: str, account: str, currency: str, amount_minor: int) -> None:
    post(ctx, currency, ((account, -amount_minor), (issued_account(issuer), amount_minor)))


def _forgets_one_leg(ctx: Context, currency: str, legs: tuple[tuple[str, int], ...]) -> None:
    for account, delta_minor in legs[-1:]:
        key = account_key(account, currency)
        held = ctx.get(ACCOUNTS, key)
        ctx.put(ACCOUNTS, key, Account((held.balance_minor if held else 0) + delta_minor))


def _no_time(*_: Any) -> int:
    return 0


def _no_delays(*_: Any) -> DelayStep:
    return DelayStep(0, 0, 0)


def _another_key(role: str, key: bytes) -> bytes:
    return b"city/" + bytes(32)


def _elsewhere(account: bytes, rule: str, window_from_s: int) -> bytes:
    return b"elsewhere"


def _is_always_met(ctx: Context, step: QuorumStep, approvals: tuple[Any, ...]) -> bool:
    return True


def _holds_still(*_: Any, **__: Any) -> None:
    """Does nothing where something should be done."""


def _out_of_order(names: tuple[str, ...]) -> Directory:
    return Directory(tuple(reversed(names)))


def _approves_for_everybody(role: str, key: bytes, at_s: int) -> Any:
    return Approval("regulator", key, at_s)


FAULTS = [
    Fault("a quorum that is always met", governance_port, "is_met", _is_always_met, decide_a_role),
    Fault("an approval in another's name", governance_rules, "Approval", _approves_for_everybody, decide_a_role),
    Fault("a role that is not asked for", governance_port, "require_role", _holds_still, propose_as_a_stranger),
    Fault("a holder that stays", governance_changes, "role_key", _another_key, take_a_role_away),
    Fault("an interim without an end", compliance_rules, "INTERIM_S", 10**9, freeze_and_wait),
    Fault("an interim again and again", compliance_rules, "INTERIM_REST_S", 0, freeze_again),
    Fault("an alert that is not recorded", compliance_port, "alert_key", _elsewhere, pay_while_watched),
    Fault("a freeze that is not asked for", compliance_port, "require_free", _holds_still, freeze_and_wait),
    Fault("a key that is forgotten", customers_rules, "_hand_over", _forgets_the_old_key, rotate),
    Fault("an account closed with money", customers_rules, "CURRENCIES", {}, close_with_money),
    Fault("a recovery without waiting", customers_rules, "waiting_in_force", _no_time, recover),
    Fault("a tier that is none", customers_rules, "_check_standing", _holds_still, set_an_unknown_tier),
    Fault("terms without notice", merchants_rules, "delays_in_force", _no_delays, announce_terms),
    Fault("a certificate without notice", merchants_rules, "delays_in_force", _no_delays, certify_otherwise),
    Fault("a certificate by anybody", merchants_rules, "_of_acquirer", merchants_port.found, certify_as_the_owner),
    Fault("a shop that is not written", merchants_rules, "_keep", _holds_still, hand_over),
    Fault("anybody for the owner", merchants_rules, "_require_either", _holds_still, hand_over),
    Fault("a suspension without effect", institutions_port, "require_active", _holds_still, suspend_a_bank),
    Fault("a directory out of order", institutions_rules, "Directory", _out_of_order, register_a_bank),
    Fault("a redemption that is not counted", balances_port, "redeem", _redeems_without_counting, take_cash),
    Fault("a posting with one leg", balances_port, "post", _forgets_one_leg, pay_in_cash),
    Fault("a reason that is none of the listed", balances_rules, "ISSUE_REASONS", (), pay_in_cash),
]  # fmt: skip


def buy(machine: WholeMachine) -> None:
    machine.buy([("carol", "BOOKS", 20_000), ("fay", "TEAHOUSE", 10_000), ("gil", "NOODLES", 12_500)], CNY)


def pay_twice(machine: WholeMachine) -> None:
    buy(machine)
    machine.pay_an_older_request(0, "carol", 12_500, exact=True)


def refund_twice(machine: WholeMachine) -> None:
    buy(machine)
    machine.refund(2, 10, 1, by_till=False)
    machine.refund(2, 10, 2, by_till=False)


def buy_with_a_tip(machine: WholeMachine) -> None:
    machine.pay_one("carol", "TEAHOUSE", 20_000, 0, 900)


def close_a_cycle(machine: WholeMachine) -> None:
    buy(machine)
    machine.close(0, SOUTH, wait=True)


def roll_over(machine: WholeMachine) -> None:
    machine.buy([("fay", "TEAHOUSE", 9_000)], CNY)
    machine.close(0, SOUTH, wait=True)


def fund_late(machine: WholeMachine) -> None:
    roll_over(machine)
    machine.change_a_reserve(SOUTH, CNY, 1_000, more=True)


def be_paid_late(machine: WholeMachine) -> None:
    """southbank can settle with what an instant payment brings its own debtor's way."""
    machine.buy([("gil", "TEAHOUSE", 16_000)], CNY)
    machine.close(0, SOUTH, wait=True)
    machine.buy([("carol", "NOODLES", 1_000)], CNY)


def pay_out(machine: WholeMachine) -> None:
    close_a_cycle(machine)
    machine.ask_for_a_payout(0, 10, "owner")
    machine.decide_a_payout(0, 0, sent=False)


def pay_out_elsewhere(machine: WholeMachine) -> None:
    machine.change_terms("netted", "CN-2", "TEAHOUSE.owner", 1)
    machine.city.advance(24 * 3_600)
    close_a_cycle(machine)
    full = sorted(key for key, minor in machine.money.available.items() if minor)
    machine.ask_for_a_payout(full.index(("TEAHOUSE", CNY)), 10, "owner")


def anchor_twice(machine: WholeMachine) -> None:
    machine.anchor("TEAHOUSE.till", 1)
    machine.anchor("TEAHOUSE.till", 0)


def _all_to_the_acquirer(rule: Any, amount_minor: int) -> FeeSplit:
    return FeeSplit(amount_minor * rule.ppm // 1_000_000, 0)


def _returns_no_fee(*_: Any) -> FeeSplit:
    return FeeSplit(0, 0)


def _every_debtor_settles(obligations: Any, _: Any) -> Any:
    return net_out(list(obligations), dict.fromkeys(BANKS, 10**9))


def _the_first_account(ctx: Context, merchant: str) -> str:
    return merchants_port.found(ctx, merchant).payout_account


def _nobody_waits(*_: Any) -> dict[str, Any]:
    return {}


def _nothing_before(*_: Any) -> Series:
    return Series(0, 0)


MONEY_FAULTS = [
    Fault("a request paid twice", payments_rules, "_require_payable", _holds_still, pay_twice),
    Fault("a refund that is not counted", payments_port, "record_refund", _holds_still, refund_twice),
    Fault("a refund that posts nothing", refunds_rules, "_post", _holds_still, refund_twice),
    Fault("a fee that nobody shares", fees_port, "fee_of", _all_to_the_acquirer, buy_with_a_tip),
    Fault("a fee that is kept", fees_port, "returned_so_far", _returns_no_fee, refund_twice),
    Fault("what is due is forgotten", clearing, "add_due", _holds_still, buy),
    Fault("a debtor without reserve settles", clearing, "net_out", _every_debtor_settles, roll_over),
    Fault("a reserve that waits for somebody", clearing, "waiting_batches", _nobody_waits, fund_late),
    Fault("a payment that resolves nothing", settlement_port, "settle_with_new_reserves", _holds_still, be_paid_late),
    Fault("a payout that does not come back", settlement_rules, "FAILED", PAID_OUT, pay_out),
    Fault("a payout to where it went before", merchants_port, "payout_account", _the_first_account, pay_out_elsewhere),
    Fault("a document in the same place", anchors_rules, "Series", _nothing_before, anchor_twice),
]  # fmt: skip


def played(script: Callable[[Any], None], machine: type[StandingMachine | WholeMachine]) -> None:
    run = machine()
    script(run)
    run.the_ledger_is_as_the_model_says()
    run.teardown()


PLANTED = [*((fault, StandingMachine) for fault in FAULTS), *((fault, WholeMachine) for fault in MONEY_FAULTS)]


@pytest.mark.parametrize(("fault", "machine"), PLANTED, ids=[fault.name for fault, _ in PLANTED])
def test_a_planted_fault_is_caught(
    fault: Fault, machine: type[StandingMachine | WholeMachine], monkeypatch: pytest.MonkeyPatch
) -> None:
    played(fault.script, machine)
    monkeypatch.setattr(fault.where, fault.attribute, fault.planted)
    # Some the ledger finds by itself, and halts.
    with pytest.raises((AssertionError, StateMismatch)):
        played(fault.script, machine)


def test_a_fault_is_planted_in_each_capability() -> None:
    planted = {fault.where.__name__.split(".")[3] for fault in (*FAULTS, *MONEY_FAULTS)}
    assert planted == {capability.name for capability in registry.CAPABILITIES if capability.codes}
