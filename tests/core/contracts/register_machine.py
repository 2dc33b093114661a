"""What is registered and set, driven at random: the messages and changes that `StandingMachine` does not know, beside
the model of them.
"""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import rule

from chainpos.core.contracts.anchors.messages import Record
from chainpos.core.contracts.compliance.changes import SetAlertRules
from chainpos.core.contracts.compliance.records import AlertRule
from chainpos.core.contracts.customers import messages as customers
from chainpos.core.contracts.customers.changes import SetClassCaps, SetRecoveryTime, SetTierLimits
from chainpos.core.contracts.customers.records import ClassCap, TierLimits
from chainpos.core.contracts.fees.changes import SetFeeRule, SetPublishedRate
from chainpos.core.contracts.governance.changes import PlanUpgrade, SetQuorum, SetValidator
from chainpos.core.contracts.governance.port import validators
from chainpos.core.contracts.institutions import messages as institutions
from chainpos.core.contracts.institutions.changes import ReplaceKey, SetDebitCaps
from chainpos.core.contracts.institutions.port import all_institutions
from chainpos.core.contracts.merchants import messages as merchants
from chainpos.core.contracts.merchants.changes import SetDelays
from chainpos.core.contracts.merchants.records import TILLS
from chainpos.core.contracts.network import today
from chainpos.core.contracts.payments.changes import SetOfflineCodes
from chainpos.core.contracts.ports import DYNAMIC_QR
from chainpos.core.contracts.settlement.changes import SetCutoffs
from tests.core.contracts.conftest import CNY, key_of
from tests.core.contracts.council_model import DAY_S, HOMES, HOUR_S
from tests.core.contracts.register_model import DATED, MAX_MINOR, RegisterModel
from tests.core.contracts.test_standing_machine import PAPERS, PROOF, StandingMachine, names, rightly, signers

HKD = "HKD"
FAR_BLOCKS = 1_000_000_000
banks = st.sampled_from(sorted(set(HOMES.values())))
tills = st.sampled_from(["till2", "till3", "till2", "till3", "NOODLES.till", "TEAHOUSE.till"])
limits = st.sampled_from([-1, 0, 2_000, 100_000, 10_000_000])


class RegisterMachine(StandingMachine):
    """A network whose tills, banks, limits and parameters change, and the model of it."""

    standing: RegisterModel
    cycle_s = HOUR_S

    def make_model(self) -> RegisterModel:
        return RegisterModel(self.world.time_s)

    @rule(name=st.sampled_from(["n1", "n2", "alice"]), bank=banks, other=signers, chance=rightly)
    def open_account(self, name: str, bank: str, other: str, chance: int) -> None:
        signer = self.who(self.bank(bank), other, chance)
        message = customers.Open(bank, key_of(name).public, "tier_3", "B", PAPERS)
        self.both(message, signer, self.standing.open(name, bank, signer))

    @rule(name=names, tier=st.sampled_from(["tier_2", "tier_3", "tier_8"]), code_class=st.sampled_from("ABC"),
          other=signers, chance=rightly)  # fmt: skip
    def set_tier(self, name: str, tier: str, code_class: str, other: str, chance: int) -> None:
        signer = self.who(self.bank(HOMES[name]), other, chance)
        message = customers.SetTier(self.world.address(name), tier, code_class, PAPERS)
        self.both(message, signer, self.standing.set_tier(name, tier, code_class, HOMES[name], signer))

    @rule(name=names, minor=st.sampled_from([-1, 10_000, MAX_MINOR]), other=signers, chance=rightly)
    def agree_limits(self, name: str, minor: int, other: str, chance: int) -> None:
        signer = self.who(self.bank(HOMES[name]), other, chance)
        message = customers.AgreeLimits(self.world.address(name), CNY, minor, None, minor, MAX_MINOR)
        self.both(message, signer, self.standing.agree_limits(name, minor, HOMES[name], signer))

    @rule(shop=st.sampled_from(["BAKERY", "TEAHOUSE"]), other=signers, chance=rightly)
    def register_shop(self, shop: str, other: str, chance: int) -> None:
        signer = self.who(self.bank("westpay"), other, chance)
        owner = key_of("owner2").public
        names_and_place = "Bakery", "面包房", "5462", "Hefei"
        message = merchants.Register(shop, "westpay", *names_and_place, owner, "standard", "netted", "CN-3")
        self.both(message, signer, self.standing.register(shop, "westpay", signer))

    @rule(till=tills, most=limits, other=signers, chance=rightly)
    def add_till(self, till: str, most: int, other: str, chance: int) -> None:
        signer = self.who(self.standing.shop.owner, other, chance)
        message = merchants.AddTill("TEAHOUSE", key_of(till).public, "Counter", most, most)
        self.both(message, signer, self.standing.add_till(till, most, signer))

    @rule(till=tills, other=signers, chance=rightly)
    def revoke_till(self, till: str, other: str, chance: int) -> None:
        signer = self.who(self.standing.shop.owner, other, chance)
        message = merchants.RevokeTill("TEAHOUSE", key_of(till).public)
        self.both(message, signer, self.standing.revoke_till(till, signer))

    @rule(till=tills, most=limits, other=signers, chance=rightly)
    def set_till_limits(self, till: str, most: int, other: str, chance: int) -> None:
        signer = self.who(self.standing.shop.owner, other, chance)
        message = merchants.SetTillLimits("TEAHOUSE", key_of(till).public, most, most)
        self.both(message, signer, self.standing.set_till_limits(till, most, signer))

    @rule(till=tills, ahead=st.sampled_from([0, 1, 1, 9]))
    def anchor(self, till: str, ahead: int) -> None:
        """A till's next document; nobody else signs for a till."""
        sequence = max(self.standing.anchored.get(till, 0) + ahead, 1)
        message = Record("TEAHOUSE", "z_report", sequence, bytes(32))
        day = today(self.world.context())
        self.both(message, till, self.standing.anchor(till, sequence, day))

    @rule(bank=banks, is_second=st.booleans(), other=signers, chance=rightly)
    def rotate_bank(self, bank: str, is_second: bool, other: str, chance: int) -> None:
        signer, key = self.who(self.bank(bank), other, chance), bank + "2" * is_second
        message = institutions.RotateKey(bank, key_of(key).public, PROOF)
        self.both(message, signer, self.standing.rotate_bank(bank, key, signer))

    @rule(kind=st.sampled_from(["key", "register", "validator", "upgrade", "caps"]), bank=banks,
          value=st.sampled_from([0, 1, 2]), other=signers, is_enacted=rightly)  # fmt: skip
    def decide_more(self, kind: str, bank: str, value: int, other: str, is_enacted: int) -> None:
        name = {
            "key": bank + "2" * (value > 0),
            "register": "northbank",
            "validator": f"validator{value % 2}",
            "upgrade": "",
            "caps": bank,
        }[kind]
        self._decide((kind, name, value * 30_000 if kind == "caps" else value), other, is_enacted)

    @rule(kind=st.sampled_from(sorted(DATED)), ahead_s=st.sampled_from([0, 1, HOUR_S, HOUR_S, 2 * DAY_S]),
          sets=st.sampled_from([60, HOUR_S, 2 * DAY_S]), other=signers, is_enacted=rightly)  # fmt: skip
    def decide_a_date(self, kind: str, ahead_s: int, sets: int, other: str, is_enacted: int) -> None:
        self._decide((kind, str(sets), self.world.time_s + ahead_s), other, is_enacted)

    def _decide(self, what: tuple[str, str, int], other: str, is_enacted: int) -> None:
        self.move(what, "operator", "operator")
        if is_enacted:
            self.approve(0, "regulator", other, 1)

    # What takes several steps to be reached, so that it is reached often.
    @rule(bank=banks, other=signers)
    def think_again(self, bank: str, other: str) -> None:
        self.move(("standing", bank, not self.standing.suspended[bank]), "operator", "operator")
        self.withdraw(0, other, 1)

    @rule(owner=st.sampled_from(["TEAHOUSE.owner", "owner2"]), answer=st.sampled_from(["complete", "cancel", "uphold"]),
          other=signers)  # fmt: skip
    def replace_the_owner(self, owner: str, answer: str, other: str) -> None:
        self.replace_owner("start", owner, other, 1)
        if answer == "complete":
            self.time_passes(144)
        self.replace_owner(answer, owner, other, 1)

    @rule(name=names, is_recovered=st.booleans(), other=signers)
    def lock_and_think_again(self, name: str, is_recovered: bool, other: str) -> None:
        self.answer_for(name, "lock", other, 1)
        if is_recovered:
            self.start(name, "k3", other, 1)
            self.answer_for(name, "cancel", other, 1)
        self.answer_for(name, "unlock", other, 1)

    def change(self, what: tuple[str, str, int]) -> tuple[str, bytes]:
        kind, name, value = what
        if kind in ("role", "standing"):
            return super().change(what)
        named, change = self._dated(kind, name, value) if kind in DATED else self._at_once(kind, name, value)
        return named, msgspec.msgpack.encode(change)

    def _at_once(self, kind: str, name: str, value: int) -> tuple[str, msgspec.Struct]:
        key = key_of(name).public
        planned = (FAR_BLOCKS, 2, "Next") if value else (0, 0, "Next")
        return {
            "key": ("institutions.key", ReplaceKey(name.rstrip("2"), key)),
            "register": ("institutions.register", institutions.Register(name, "North", "北", "bank", key, ())),
            "validator": ("governance.validator", SetValidator(key, value)),
            "upgrade": ("governance.upgrade", PlanUpgrade(*planned)),
            "caps": ("institutions.debit_caps", SetDebitCaps(name, ((CNY, value), (HKD, value)))),
        }[kind]

    def _dated(self, kind: str, sets: str, from_s: int) -> tuple[str, msgspec.Struct]:
        seconds = int(sets)
        watched = AlertRule("all", CNY, 60, 0, 1_000_000, 1, 0)
        return {
            "alerts": ("compliance.alert_rules", SetAlertRules(from_s, (watched,))),
            "class": ("customers.code_class", SetClassCaps("E", from_s, (ClassCap(CNY, None),))),
            "cutoffs": ("settlement.timetable", SetCutoffs(CNY, from_s, self.cycle_s, 0)),
            "delays": ("merchants.delays", SetDelays(from_s, seconds, 2 * seconds)),
            "rates": ("fees.comparison", SetPublishedRate(0, "Cards", "银行卡", from_s, seconds)),
            "fees": ("fees.schedule", SetFeeRule("other", DYNAMIC_QR, CNY, from_s, seconds, 0, 9, 0)),
            "quorum": ("governance.quorum", SetQuorum("", from_s, (("operator", 1), ("regulator", 1)), 7 * DAY_S)),
            "recovery": ("customers.recovery", SetRecoveryTime(from_s, seconds)),
            # Without caps: what is taken late, the machine's till never sends.
            "offline": ("payments.offline_codes", SetOfflineCodes(from_s, min(seconds, HOUR_S), ())),
            "tier": ("customers.tier", SetTierLimits("tier_9", from_s, (TierLimits(CNY, 1, 1, 1),))),
        }[kind]

    def compare(self) -> None:
        super().compare()
        ctx, model = self.world.context(), self.standing
        assert {each.public_key: each.power for each in validators(ctx)} == {
            key_of(name).public: power for name, power in model.validators.items()
        }
        assert [bank for bank in all_institutions(ctx) if bank != "southbank"] == sorted(model.banks)
        for name, device in model.tills.items():
            kept = self.world.state.get(TILLS, key_of(name).public)
            assert kept is not None
            assert (kept.max_payment_minor, kept.status != 1) == (device.most, device.revoked)
