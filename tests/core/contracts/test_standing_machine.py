"""Who may act, driven at random: customers, merchants, compliance, institutions and governance beside a plain model.

After each step the refusal is the model's by name, a refusal left no write, all invariants hold, and who can pay, sell
and decide is whom the model says.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from chainpos.core.contracts.balances.messages import Issue, Redeem
from chainpos.core.contracts.compliance.messages import Agree, Freeze, Release
from chainpos.core.contracts.customers import messages as customers
from chainpos.core.contracts.customers import port as customers_port
from chainpos.core.contracts.governance.changes import SetRole
from chainpos.core.contracts.governance.messages import Approve, Propose, Withdraw, change_hash
from chainpos.core.contracts.governance.port import holders
from chainpos.core.contracts.institutions.changes import SetStanding
from chainpos.core.contracts.merchants import messages as merchants
from chainpos.core.contracts.merchants import port as merchants_port
from chainpos.core.contracts.ports import account_subject, merchant_subject
from chainpos.errors import Rejected
from tests.core.contracts.conftest import CNY, World, genesis_values, key_of, make_app_state
from tests.core.contracts.council_model import DAY_S, HOMES, HOUR_S
from tests.core.contracts.standing_model import StandingModel

NEW_KEYS = ("k1", "k2", "k3")
SIGNERS = (
    "alice",
    "bob",
    *NEW_KEYS,
    "eastbank",
    "westpay",
    "eastbank2",
    "regulator",
    "operator",
    "city",
    "TEAHOUSE.owner",
    "owner2",
)
names = st.sampled_from(sorted(HOMES))
signers = st.sampled_from(SIGNERS)
keys = st.sampled_from([*NEW_KEYS, "alice", "bob"])
subjects = st.sampled_from([*sorted(HOMES), "TEAHOUSE"])
roles = st.sampled_from(["operator", "regulator", "city"])
rightly = st.integers(0, 3)
PAPERS, PROOF = bytes(32), bytes(64)


@cache
def _values() -> dict[bytes, bytes]:
    return genesis_values(make_app_state())


class StandingMachine(RuleBasedStateMachine):
    """The world and its model, side by side. Signers are mostly those who may, so that much is accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(_values())
        self.standing = self.make_model()
        self.orders = 0
        self.accepted: list[str] = []

    def make_model(self) -> StandingModel:
        return StandingModel(self.world.time_s)

    def bank(self, institution: str) -> str:
        """Whose key acts for it now."""
        return self.standing.bank_keys[institution]

    def both(self, message: msgspec.Struct, signer: str, expected: str) -> None:
        before = self.world.state.app_hash
        result = self.world.run(message, signer)
        assert result.log == expected, f"{message} by {signer}: {result.log!r} {result.info}, not {expected!r}"
        if expected:
            assert self.world.state.app_hash == before
        else:
            self.accepted.append(type(message).__name__)

    def who(self, may: str, other: str, chance: int) -> str:
        return may if chance else other

    @rule(hours=st.sampled_from([1, 23, 24, 72, 720]))
    def time_passes(self, hours: int) -> None:
        self.world.advance(hours * HOUR_S)
        self.standing.now_s += hours * HOUR_S

    @rule(name=names, key=keys, other=signers, chance=rightly)
    def rotate(self, name: str, key: str, other: str, chance: int) -> None:
        signer = self.who(self.standing.people[name].key, other, chance)
        message = customers.RotateKey(self.world.address(name), key_of(key).public, PROOF)
        self.both(message, signer, self.standing.rotate(name, key, signer))

    @rule(name=names, key=keys, other=signers, chance=rightly)
    def start(self, name: str, key: str, other: str, chance: int) -> None:
        signer = self.who(self.bank(HOMES[name]), other, chance)
        message = customers.StartRecovery(self.world.address(name), key_of(key).public, PROOF)
        self.both(message, signer, self.standing.start(name, key, signer))

    @rule(name=names, what=st.sampled_from(["lock", "unlock", "complete", "cancel", "close", "reopen"]),
          other=signers, chance=rightly)  # fmt: skip
    def answer_for(self, name: str, what: str, other: str, chance: int) -> None:
        account = self.world.address(name)
        signer = self.who(self.bank(HOMES[name]), other, chance)
        message = {
            "lock": customers.Lock(account),
            "unlock": customers.Unlock(account),
            "complete": customers.CompleteRecovery(account),
            "cancel": customers.CancelRecovery(account),
            "close": customers.Close(account),
            "reopen": customers.Reopen(account, "tier_3", "B", PAPERS),
        }[what]
        expected = getattr(self.standing, what)(name, signer)
        self.both(message, signer, expected)

    @rule(name=names, minor=st.sampled_from([0, 5, 60_000]), other=signers, chance=rightly)
    def cash(self, name: str, minor: int, other: str, chance: int) -> None:
        """So much in, or everything out."""
        signer, held = self.who(self.bank(HOMES[name]), other, chance), self.standing.held(name)
        kind = Issue if minor else Redeem
        message = kind(HOMES[name], self.world.address(name), CNY, minor or held, "cash", "R")
        self.both(message, signer, self.standing.cash(name, minor or -held, signer))

    @rule(name=names, other=signers, chance=rightly)
    def uphold(self, name: str, other: str, chance: int) -> None:
        signer = self.who("regulator", other, chance)
        message = customers.UpholdRecovery(self.world.address(name), "Ruling")
        self.both(message, signer, self.standing.uphold(name, signer))

    @rule(what=st.sampled_from(["start", "complete", "cancel", "uphold"]),
          owner=st.sampled_from(["TEAHOUSE.owner", "owner2"]), other=signers, chance=rightly)  # fmt: skip
    def replace_owner(self, what: str, owner: str, other: str, chance: int) -> None:
        signer = self.who("regulator" if what == "uphold" else self.bank("eastbank"), other, chance)
        if what == "start":
            start = merchants.StartOwnerRecovery("TEAHOUSE", key_of(owner).public, PROOF)
            self.both(start, signer, self.standing.start_owner(owner, signer))
            return
        message = {
            "complete": merchants.CompleteOwnerRecovery("TEAHOUSE"),
            "cancel": merchants.CancelOwnerRecovery("TEAHOUSE"),
            "uphold": merchants.UpholdOwnerRecovery("TEAHOUSE", "Ruling"),
        }[what]
        self.both(message, signer, getattr(self.standing, f"{what}_owner")(signer))

    @rule(owner=st.sampled_from(["TEAHOUSE.owner", "owner2"]), other=signers, chance=rightly)
    def hand_over(self, owner: str, other: str, chance: int) -> None:
        signer = self.who(self.standing.shop.owner, other, chance)
        message = merchants.RotateOwner("TEAHOUSE", key_of(owner).public, PROOF)
        self.both(message, signer, self.standing.hand_over(owner, signer))

    @rule(mode=st.sampled_from(["instant", "netted"]), account=st.sampled_from(["CN-1", "CN-2"]),
          other=signers, chance=rightly)  # fmt: skip
    def change_terms(self, mode: str, account: str, other: str, chance: int) -> None:
        signer = self.who(self.standing.shop.owner, other, chance)
        message = merchants.ChangeTerms("TEAHOUSE", mode, account)
        self.both(message, signer, self.standing.change_terms(mode, account, signer))

    @rule(other=signers, chance=rightly)
    def cancel_terms(self, other: str, chance: int) -> None:
        signer = self.who(self.bank("eastbank"), other, chance)
        self.both(merchants.CancelTerms("TEAHOUSE"), signer, self.standing.cancel_terms(signer))

    @rule(name=st.sampled_from(["Willow", "Oak"]), fee_class=st.sampled_from(["standard", "small"]),
          other=signers, chance=rightly)  # fmt: skip
    def certify(self, name: str, fee_class: str, other: str, chance: int) -> None:
        signer, wanted = self.who(self.bank("eastbank"), other, chance), (name, "茶馆", "5499", "hefei", fee_class)
        self.both(merchants.Certify("TEAHOUSE", *wanted), signer, self.standing.certify(wanted, signer))

    @rule(other=signers, chance=rightly)
    def cancel_certificate(self, other: str, chance: int) -> None:
        signer = self.who(self.standing.shop.owner, other, chance)
        message = merchants.CancelCertificate("TEAHOUSE")
        self.both(message, signer, self.standing.cancel_certificate(signer))

    @rule(wanted=st.sampled_from(["suspended", "open", "suspended", "open", "closed"]), other=signers, chance=rightly)
    def set_shop(self, wanted: str, other: str, chance: int) -> None:
        signer = self.who(self.bank("eastbank"), other, chance)
        message = {
            "suspended": merchants.Suspend("TEAHOUSE", "Inspection"),
            "open": merchants.Reopen("TEAHOUSE"),
            "closed": merchants.Close("TEAHOUSE"),
        }[wanted]
        self.both(message, signer, self.standing.set_shop(wanted, signer))

    def subject(self, name: str) -> bytes:
        return merchant_subject(name) if name == "TEAHOUSE" else account_subject(self.world.address(name))

    @rule(name=subjects, days=st.sampled_from([1, 10, 100]), other=signers, chance=rightly)
    def freeze(self, name: str, days: int, other: str, chance: int) -> None:
        self.orders += 1
        signer, until_s = self.who("regulator", other, chance), self.world.time_s + days * DAY_S
        reference = f"Order {self.orders}"
        expected = self.standing.freeze(name, reference, until_s, signer)
        self.both(Freeze(self.subject(name), reference, until_s), signer, expected)

    @rule(name=subjects, other=signers, chance=rightly)
    def release(self, name: str, other: str, chance: int) -> None:
        self.orders += 1
        signer, reference = self.who("regulator", other, chance), f"Order {self.orders}"
        self.both(Release(self.subject(name), reference), signer, self.standing.release(name, reference, signer))

    @rule(name=subjects, is_release=st.booleans(), other=signers, chance=rightly)
    def agree(self, name: str, is_release: bool, other: str, chance: int) -> None:
        signer, order = self.who(self.bank(HOMES.get(name, "eastbank")), other, chance), self.standing.orders.get(name)
        reference = "none" if order is None else (order.release or "none") if is_release else order.reference
        self.both(Agree(self.subject(name), reference), signer, self.standing.agree(name, reference, signer))

    @rule(kind=st.sampled_from(["role", "standing"]), bank=st.sampled_from(["eastbank", "westpay"]),
          wanted=st.booleans(), role=roles, other=signers, chance=rightly)  # fmt: skip
    def propose(self, kind: str, bank: str, wanted: bool, role: str, other: str, chance: int) -> None:
        signer, name = self.who(role, other, chance), "k1" if kind == "role" else bank
        self.move((kind, name, wanted), role, signer)

    def move(self, what: tuple[str, str, int], role: str, signer: str) -> None:
        message = Propose(role, *self.change(what), "Motion", self.world.time_s + DAY_S)
        self.both(message, signer, self.standing.propose(what, role, signer))

    def change(self, what: tuple[str, str, int]) -> tuple[str, bytes]:
        kind, name, wanted = what
        if kind == "role":
            return "governance.role", msgspec.msgpack.encode(SetRole("city", key_of(name).public, bool(wanted)))
        return "institutions.standing", msgspec.msgpack.encode(SetStanding(name, bool(wanted), "Decided"))

    @precondition(lambda self: self.standing.motions)
    @rule(back=st.integers(-1, 3), role=roles, other=signers, chance=rightly)
    def approve(self, back: int, role: str, other: str, chance: int) -> None:
        number = len(self.standing.motions) - back
        signer = self.who(role, other, chance)
        is_known = 1 <= number <= len(self.standing.motions)
        named = change_hash(*self.change(self.standing.motions[number - 1].what)) if is_known else bytes(32)
        self.both(Approve(number, role, named), signer, self.standing.approve(number, role, signer))

    @precondition(lambda self: self.standing.motions)
    @rule(back=st.integers(-1, 3), other=signers, chance=rightly)
    def withdraw(self, back: int, other: str, chance: int) -> None:
        number = len(self.standing.motions) - back
        signer = self.who(self.standing.motions[-1].proposer, other, chance)
        self.both(Withdraw(number), signer, self.standing.withdraw(number, signer))

    # What takes several steps to be reached, so that it is reached often.
    @rule(kind=st.sampled_from(["role", "standing"]), bank=st.sampled_from(sorted(set(HOMES.values()))),
          wanted=st.booleans(), other=signers)  # fmt: skip
    def decide(self, kind: str, bank: str, wanted: bool, other: str) -> None:
        self.propose(kind, bank, wanted, "operator", other, 1)
        self.approve(0, "regulator", other, 1)

    @rule(name=subjects, other=signers, is_released=st.booleans())
    def freeze_together(self, name: str, other: str, is_released: bool) -> None:
        self.freeze(name, 100, other, 1)
        self.agree(name, False, other, 1)
        if is_released:
            self.release(name, other, 1)
            self.agree(name, True, other, 1)

    @rule(name=names, key=keys, other=signers, hours=st.sampled_from([71, 72]))
    def recover(self, name: str, key: str, other: str, hours: int) -> None:
        self.start(name, key, other, 1)
        self.time_passes(hours)
        self.answer_for(name, "complete", other, 1)

    @rule(name=names, other=signers, is_reopened=st.booleans())
    def empty_and_close(self, name: str, other: str, is_reopened: bool) -> None:
        self.cash(name, 0, other, 1)
        self.answer_for(name, "close", other, 1)
        if is_reopened:
            self.answer_for(name, "reopen", other, 1)

    @invariant()
    def the_ledger_is_as_the_model_says(self) -> None:
        self.world.check()
        self.compare()

    def compare(self) -> None:
        ctx, model = self.world.context(), self.standing
        for key in ("alice", "bob", *NEW_KEYS):
            assert _refusal(lambda key=key: customers_port.payer(ctx, key_of(key).public)) == model.pays(key)
        closed = "" if model.shop.status == "open" else "merchant_not_open"
        expected = closed or ("institution_suspended" if model.suspended["eastbank"] else "")
        assert _refusal(lambda: merchants_port.terms(ctx, "TEAHOUSE")) == expected
        if not expected:
            terms = merchants_port.terms(ctx, "TEAHOUSE")
            assert terms.settlement_mode == model.shop_terms()[0]
            assert terms.fee_class == model.certified()[4]
        shop = merchants_port.found(ctx, "TEAHOUSE").as_of(self.world.time_s)
        assert (shop.name_en, shop.name_zh, shop.category, shop.city, shop.fee_class) == model.certified()
        assert merchants_port.found(ctx, "TEAHOUSE").at(self.world.time_s) == model.shop_terms()
        for name in (*HOMES, "TEAHOUSE"):
            is_frozen = _refusal(lambda name=name: ctx.ports.compliance.require_free(ctx, self.subject(name)))
            assert bool(is_frozen) == model.frozen(name)
        assert {name: self.world.held(name) for name in HOMES} == {name: model.held(name) for name in HOMES}
        assert holders(ctx, "city") == tuple(sorted(key_of(name).public for name in model.roles["city"]))


def _refusal(ask: Any) -> str:
    try:
        ask()
    except Rejected as refusal:
        return refusal.code.name
    return ""


def drive(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        StandingMachine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_an_objection_leaves_locked_what_was_locked_before_the_recovery_in_the_model_too() -> None:
    """What the long run found: the model opened it, the ledger rightly did not."""
    machine = StandingMachine()
    machine.answer_for("bob", "lock", "alice", 1)
    machine.start("bob", "k1", "alice", 1)
    machine.answer_for("bob", "cancel", "bob", 0)
    machine.the_ledger_is_as_the_model_says()
    assert machine.standing.pays("bob") == "account_locked"
    assert machine.accepted == ["Lock", "StartRecovery", "CancelRecovery"]


def test_who_may_act_is_as_a_plain_model_says() -> None:
    drive(examples=15, steps=40)
