"""An independent plain model of who may act: keys, standing and terms. It knows no record.

Each method says by which name the ledger must refuse, or "" and what is so from then on. Who signs is a name.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.core.contracts.council_model import DAY_S, HOMES, CouncilModel

FIRST = ("alice", "bob", "carol", "dave", "erin")
HOLDS = {"tier_2": 50_000_000, "tier_3": 2_000_000}


@dataclass
class Person:
    """One account: who signs for it, whether it is "open", "locked" or "closed", what it holds.

    `recovery` is the new key, the second from which it may take over, and how the account stood before.
    """

    key: str
    held: int
    status: str = "open"
    recovery: tuple[str, int, str] | None = None
    upheld: bool = False
    tier: str = "tier_3"
    code_class: str = "B"


@dataclass
class Shop:
    """The tea house, of eastbank."""

    owner: str = "TEAHOUSE.owner"
    status: str = "open"
    terms: tuple[str, str] = ("netted", "CN-TEAHOUSE-001")
    following: tuple[int, str, str] | None = None
    certificate: tuple[str, ...] = ("Willow Tea House", "柳荫茶馆", "5814", "Hefei", "standard")
    recertified: tuple[int, tuple[str, ...]] | None = None
    recovery: tuple[str, int] | None = None
    upheld: bool = False


class StandingModel(CouncilModel):
    """Everything that the messages under test can change."""

    def __init__(self, now_s: int) -> None:
        super().__init__(now_s)
        self.people = {"alice": Person("alice", 1_000_000), "bob": Person("bob", 500_000, code_class="C")}
        self.shop = Shop()
        self.key_owners = {first: first for first in FIRST}

    # What somebody else may say, where standing is not all there is

    def held(self, name: str) -> int:
        """What an account holds in all currencies."""
        return self.people[name].held

    def move(self, name: str, change: int) -> None:
        """Cash in or out."""
        self.people[name].held += change

    def shop_holds(self) -> int:
        """What the tea house has on the ledger."""
        return 0

    def waits_s(self, what: str) -> int:
        """How long a "recovery", "terms" or an "owner" that begins now waits."""
        return DAY_S if what == "terms" else 3 * DAY_S

    def in_use(self, key: str) -> bool:
        return key in self.key_owners

    def pays(self, key: str) -> str:
        name = self.key_owners.get(key)
        if name is None:
            return "unknown_customer"
        person = self.people[name]
        if person.key != key:
            return "customer_key_replaced"
        if person.status != "open":
            return f"account_{person.status}"
        return "institution_suspended" if self.suspended[HOMES[name]] else ""

    def _either(self, name: str, signer: str) -> str:
        may = signer == self.people[name].key or not self.acts(HOMES[name], signer)
        return "" if may else "not_customer_or_institution"

    def rotate(self, name: str, key: str, signer: str) -> str:
        person = self.people[name]
        if person.key != signer:
            return "not_customer_or_institution"
        if person.status != "open":
            return f"account_{person.status}"
        if self.in_use(key):
            return "customer_key_in_use"
        person.key, self.key_owners[key] = key, name
        return ""

    def lock(self, name: str, signer: str) -> str:
        person = self.people[name]
        refusal = self._either(name, signer)
        if refusal or person.status != "open":
            return refusal or f"account_{person.status}"
        person.status = "locked"
        return ""

    def unlock(self, name: str, signer: str) -> str:
        person = self.people[name]
        if refusal := self.acts(HOMES[name], signer):
            return refusal
        if person.status != "locked":
            return "account_not_locked"
        if person.recovery:
            return "recovery_pending"
        person.status = "open"
        return ""

    def start(self, name: str, key: str, signer: str) -> str:
        person = self.people[name]
        if refusal := self.acts(HOMES[name], signer):
            return refusal
        if person.status == "closed":
            return "account_closed"
        if person.recovery:
            return "recovery_pending"
        if self.in_use(key):
            return "customer_key_in_use"
        person.recovery, person.status = (key, self.now_s + self.waits_s("recovery"), person.status), "locked"
        return ""

    def complete(self, name: str, signer: str) -> str:
        person = self.people[name]
        if refusal := self.acts(HOMES[name], signer):
            return refusal
        if person.recovery is None:
            return "no_recovery"
        if self.now_s < person.recovery[1]:
            return "recovery_not_ready"
        if self.in_use(person.recovery[0]):
            return "customer_key_in_use"
        person.key, person.recovery, person.status, person.upheld = person.recovery[0], None, "open", False
        self.key_owners[person.key] = name
        return ""

    def cancel(self, name: str, signer: str) -> str:
        person = self.people[name]
        if refusal := self._either(name, signer):
            return refusal
        if person.recovery is None:
            return "no_recovery"
        if signer == person.key:
            if person.upheld:
                return "recovery_upheld"
            person.status = person.recovery[2]
        person.recovery, person.upheld = None, False
        return ""

    def uphold(self, name: str, signer: str) -> str:
        person = self.people[name]
        if signer not in self.roles["regulator"]:
            return "missing_role"
        if person.recovery is None:
            return "no_recovery"
        if person.upheld:
            return "recovery_upheld"
        person.upheld = True
        return ""

    def close(self, name: str, signer: str) -> str:
        person = self.people[name]
        if refusal := self._either(name, signer):
            return refusal
        if person.status == "closed":
            return "account_closed"
        if person.recovery:
            return "recovery_pending"
        if self.frozen(name):
            return "frozen_account"
        if self.held(name):
            return "account_not_empty"
        person.status = "closed"
        return ""

    def reopen(self, name: str, signer: str) -> str:
        if refusal := self.acts(HOMES[name], signer):
            return refusal
        if self.people[name].status != "closed":
            return "account_not_closed"
        person = self.people[name]
        person.status, person.tier, person.code_class = "open", "tier_3", "B"
        return ""

    def cash(self, name: str, change: int, signer: str) -> str:
        person = self.people[name]
        if refusal := self.acts(HOMES[name], signer):
            return refusal
        if change == 0:
            return "bad_amount"
        if person.status == "closed":
            return "account_closed"
        if change < 0 and self.frozen(name):
            return "frozen_account"
        if change > 0 and self.held(name) + change > HOLDS[person.tier]:
            return "over_balance_limit"
        self.move(name, change)
        return ""

    def _shop_either(self, signer: str) -> str:
        if not self.acts("eastbank", signer):
            return ""
        return "not_owner_or_acquirer" if signer != self.shop.owner else self.owner_rests()

    def owner_rests(self) -> str:
        return "owner_recovery_pending" if self.shop.recovery else ""

    def _owner(self, signer: str) -> str:
        return "not_owner" if signer != self.shop.owner else self.owner_rests()

    def shop_terms(self) -> tuple[str, str]:
        following = self.shop.following
        return following[1:] if following and following[0] <= self.now_s else self.shop.terms

    def start_owner(self, owner: str, signer: str) -> str:
        if refusal := self.acts("eastbank", signer):
            return refusal
        if self.shop.status == "closed":
            return "merchant_closed"
        if owner == self.shop.owner:
            return "owner_unchanged"
        if self.shop.recovery:
            return "owner_recovery_pending"
        self.shop.recovery = owner, self.now_s + self.waits_s("owner")
        return ""

    def complete_owner(self, signer: str) -> str:
        if refusal := self.acts("eastbank", signer):
            return refusal
        if not self.shop.recovery:
            return "no_owner_recovery"
        if self.now_s < self.shop.recovery[1]:
            return "owner_recovery_not_ready"
        self.shop.owner, self.shop.recovery, self.shop.upheld = self.shop.recovery[0], None, False
        return ""

    def cancel_owner(self, signer: str) -> str:
        if signer != self.shop.owner and self.acts("eastbank", signer):
            return "not_owner_or_acquirer"
        if not self.shop.recovery:
            return "no_owner_recovery"
        if signer == self.shop.owner and self.shop.upheld:
            return "owner_recovery_upheld"
        self.shop.recovery, self.shop.upheld = None, False
        return ""

    def uphold_owner(self, signer: str) -> str:
        if signer not in self.roles["regulator"]:
            return "missing_role"
        if not self.shop.recovery:
            return "no_owner_recovery"
        if self.shop.upheld:
            return "owner_recovery_upheld"
        self.shop.upheld = True
        return ""

    def hand_over(self, owner: str, signer: str) -> str:
        if refusal := self._owner(signer):
            return refusal
        if self.shop.status == "closed":
            return "merchant_closed"
        if owner == signer:
            return "owner_unchanged"
        self.shop.owner = owner
        return ""

    def change_terms(self, mode: str, account: str, signer: str) -> str:
        if refusal := self._owner(signer):
            return refusal
        if self.shop.status == "closed":
            return "merchant_closed"
        if (mode, account) == self.shop_terms():
            return "terms_unchanged"
        self.shop.terms = self.shop_terms()
        self.shop.following = (self.now_s + self.waits_s("terms"), mode, account)
        return ""

    def cancel_terms(self, signer: str) -> str:
        if refusal := self._shop_either(signer):
            return refusal
        if not self.shop.following or self.shop.following[0] <= self.now_s:
            return "no_terms_pending"
        self.shop.following = None
        return ""

    def certified(self) -> tuple[str, ...]:
        """What the network says of the tea house now."""
        following = self.shop.recertified
        return following[1] if following and following[0] <= self.now_s else self.shop.certificate

    def certify(self, certificate: tuple[str, ...], signer: str) -> str:
        if refusal := self.acts("eastbank", signer):
            return refusal
        if self.shop.status == "closed":
            return "merchant_closed"
        if certificate == self.certified():
            return "certificate_unchanged"
        self.shop.certificate = self.certified()
        self.shop.recertified = (self.now_s + self.waits_s("terms"), certificate)
        return ""

    def cancel_certificate(self, signer: str) -> str:
        if refusal := self._shop_either(signer):
            return refusal
        if not self.shop.recertified or self.shop.recertified[0] <= self.now_s:
            return "no_certificate_pending"
        self.shop.recertified = None
        return ""

    def set_shop(self, wanted: str, signer: str) -> str:
        """`wanted`: "suspended", "open" or "closed"."""
        refusal = self._shop_either(signer) if wanted == "closed" else self.acts("eastbank", signer)
        if refusal:
            return refusal
        if self.shop.status == "closed":
            return "merchant_closed"
        if wanted == "suspended" and self.shop.status != "open":
            return "merchant_not_open"
        if wanted == "open" and self.shop.status != "suspended":
            return "merchant_not_suspended"
        if wanted == "closed" and self.owner_rests():
            return "owner_recovery_pending"
        if wanted == "closed" and self.frozen("TEAHOUSE"):
            return "frozen_merchant"
        if wanted == "closed" and self.shop_holds():
            return "merchant_not_empty"
        self.shop.status = wanted
        return ""
