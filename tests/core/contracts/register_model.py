"""An independent plain model of what is registered and set: tills, banks, limits and dated parameters.

As `StandingModel`, of which it is one: each method says by which name the ledger must refuse, or "" and changes itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.core.contracts.council_model import DAY_S
from tests.core.contracts.standing_model import StandingModel

MAX_MINOR = 2**63 - 1
DAILY_ANCHORS = 24
# By kind of change: how many steps it keeps, how many genesis wrote, and the name by which it refuses an earlier date.
DATED = {
    "alerts": (16, 0, "alert_rules_not_later"),
    "class": (64, 0, "limits_not_later"),
    "cutoffs": (64, 1, "bad_change"),
    "delays": (64, 0, "bad_change"),
    "fees": (64, 0, "bad_change"),
    "quorum": (16, 1, "quorum_not_later"),
    "rates": (64, 0, "bad_change"),
    "recovery": (64, 0, "bad_change"),
    "offline": (64, 0, "bad_change"),
    "tier": (64, 0, "limits_not_later"),
}
NOTHING_SET_S = {"recovery": 3 * DAY_S, "terms": DAY_S, "owner": 3 * DAY_S}


@dataclass
class Device:
    """A till of the tea house."""

    most: int = 10_000_000
    refunds: int = 100_000
    revoked: bool = False


@dataclass
class Schedule:
    """The dates of one parameter's steps, and the seconds that each sets."""

    steps: list[tuple[int, int]] = field(default_factory=list)

    def at(self, now_s: int) -> int | None:
        begun = [value for from_s, value in self.steps if from_s <= now_s]
        return begun[-1] if begun else None


class RegisterModel(StandingModel):
    """The small network with all that is registered or set in it."""

    def __init__(self, now_s: int) -> None:
        super().__init__(now_s)
        self.tills = {"TEAHOUSE.till": Device()}
        self.foreign_tills = ["NOODLES.till"]
        self.shops = ["NOODLES", "TEAHOUSE"]
        self.banks = ["eastbank", "westpay"]
        self.validators: dict[str, int] = {}
        self.anchored: dict[str, int] = {}
        self.anchors_on: dict[tuple[str, int], int] = {}
        self.caps: dict[str, int] = {}
        self.is_upgrade_planned = False
        self.dated = {kind: Schedule([(0, 0)] * begun) for kind, (_, begun, _) in DATED.items()}

    def waits_s(self, what: str) -> int:
        set_s = self.dated["recovery" if what == "recovery" else "delays"].at(self.now_s)
        # Delays are set together: another owner waits twice as long as terms do.
        return NOTHING_SET_S[what] if set_s is None else set_s * 2 if what == "owner" else set_s

    # Customers

    def open(self, name: str, bank: str, signer: str) -> str:
        if refusal := self.acts(bank, signer):
            return refusal
        if name in self.key_owners:
            return "account_exists"
        self.key_owners[name] = name
        return ""

    def set_tier(self, name: str, tier: str, code_class: str, bank: str, signer: str) -> str:
        person = self.people[name]
        if refusal := self.acts(bank, signer):
            return refusal
        if person.status == "closed":
            return "account_closed"
        if tier == "tier_8":
            return "unknown_tier"
        person.tier, person.code_class = tier, code_class
        return ""

    def agree_limits(self, name: str, minor: int, bank: str, signer: str) -> str:
        if refusal := self.acts(bank, signer):
            return refusal
        if self.people[name].status == "closed":
            return "account_closed"
        return "bad_limits" if minor < 0 else ""

    # Merchants

    def register(self, shop: str, bank: str, signer: str) -> str:
        if refusal := self.acts(bank, signer):
            return refusal
        if shop in self.shops:
            return "merchant_exists"
        self.shops.append(shop)
        return ""

    def add_till(self, till: str, most: int, signer: str) -> str:
        if refusal := self._owner(signer):
            return refusal
        if self.shop.status != "open":
            return "merchant_not_open"
        if most < 0:
            return "bad_till_limits"
        if till in self.tills or till in self.foreign_tills:
            return "till_key_in_use"
        self.tills[till] = Device(most, most)
        return ""

    def revoke_till(self, till: str, signer: str) -> str:
        if refusal := self._shop_either(signer):
            return refusal
        if refusal := self.till_refuses(till):
            return refusal
        self.tills[till].revoked = True
        return ""

    def set_till_limits(self, till: str, most: int, signer: str) -> str:
        if refusal := self._owner(signer):
            return refusal
        if refusal := self.till_refuses(till):
            return refusal
        if most < 0:
            return "bad_till_limits"
        self.tills[till].most = self.tills[till].refunds = most
        return ""

    def till_refuses(self, till: str) -> str:
        if till not in self.tills:
            return "unknown_till"
        return "till_revoked" if self.tills[till].revoked else ""

    def anchor(self, till: str, sequence: int, day: int) -> str:
        if till not in self.tills or self.tills[till].revoked:
            return "till_revoked" if till in self.tills else "unknown_till"
        if sequence <= self.anchored.get(till, 0):
            return "anchor_not_after"
        if self.anchors_on.get((till, day), 0) >= DAILY_ANCHORS:
            return "too_many_anchors"
        self.anchored[till] = sequence
        self.anchors_on[till, day] = self.anchors_on.get((till, day), 0) + 1
        return ""

    # Institutions

    def rotate_bank(self, bank: str, key: str, signer: str) -> str:
        if refusal := self.acts(bank, signer):
            return refusal
        return self._replace_bank_key(bank, key)

    def _replace_bank_key(self, bank: str, key: str) -> str:
        if key == self.bank_keys[bank]:
            return "institution_key_unchanged"
        self.bank_keys[bank] = key
        return ""

    # What governance decides beside roles and standing

    def _try(self, what: tuple[str, str, int]) -> str:
        kind, name, value = what
        if kind in DATED:
            return self._try_date(kind, value)
        if kind == "key" and name == self.bank_keys[_bank_of(name)]:
            return "institution_key_unchanged"
        if kind == "register" and name in self.banks:
            return "institution_exists"
        if kind == "validator":
            before = self.validators.get(name, 0)
            if value == 0 and len(self.validators) == 1 and before:
                return "last_validator"
            return ("bad_validator_power" if value else "unknown_validator") if value == before else ""
        if kind == "upgrade":
            return "" if value or self.is_upgrade_planned else "bad_upgrade"
        return super()._try(what) if kind in ("role", "standing") else ""

    def _try_date(self, kind: str, from_s: int) -> str:
        at_most, _, earlier = DATED[kind]
        dates = [date_s for date_s, _ in self.dated[kind].steps]
        if from_s <= self.now_s:
            return "change_not_ahead"
        if dates and dates[-1] >= from_s:
            return earlier
        begun = sum(date_s <= self.now_s for date_s in dates)
        return "bad_change" if len(dates) - max(begun - 1, 0) >= at_most else ""

    def _enact(self, what: tuple[str, str, int]) -> None:
        kind, name, value = what
        if kind in DATED:
            at_most = DATED[kind][0]
            self.dated[kind].steps = [*self.dated[kind].steps, (value, int(name or 0))][-at_most:]
        elif kind == "key":
            self._replace_bank_key(_bank_of(name), name)
        elif kind == "register":
            self.banks.append(name)
        elif kind == "validator":
            self.validators = {**self.validators, name: value} if value else _without(self.validators, name)
        elif kind == "caps":
            self.caps[name] = value
        elif kind == "upgrade":
            self.is_upgrade_planned = bool(value)
        else:
            super()._enact(what)


def _bank_of(key: str) -> str:
    return key.rstrip("2")


def _without(powers: dict[str, int], name: str) -> dict[str, int]:
    return {each: power for each, power in powers.items() if each != name}
