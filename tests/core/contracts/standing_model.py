"""An independent plain model of who may act: keys, standing, freezes, terms and proposals. It knows no record.

Each method says by which name the ledger must refuse, or "" and what is so from then on. Who signs is a name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

HOUR_S = 3_600
DAY_S = 24 * HOUR_S
FIRST = ("alice", "bob", "carol", "dave", "erin")
HOMES = {"alice": "eastbank", "bob": "westpay"}


@dataclass
class Person:
    """One account: who signs for it, whether it is "open", "locked" or "closed", what it holds.

    `recovery` is the new key, the second from which it may take over, and how the account stood before.
    """

    key: str
    held: int
    status: str = "open"
    recovery: tuple[str, int, str] | None = None


@dataclass
class Shop:
    """The tea house, of eastbank."""

    owner: str = "TEAHOUSE.owner"
    status: str = "open"
    terms: tuple[str, str] = ("netted", "CN-TEAHOUSE-001")
    following: tuple[int, str, str] | None = None


@dataclass
class Order:
    """A freeze: the order and what became of it."""

    reference: str
    begun_s: int
    ordered_s: int
    ends_s: int
    agreed: bool = False
    release: str = ""
    interim_s: int = 0


@dataclass
class Motion:
    """A proposal: what it would do, who is for it."""

    what: tuple[str, str, bool]
    proposer: str
    lapses_s: int
    voices: dict[str, str] = field(default_factory=dict)
    state: str = "open"


class StandingModel:
    """Everything that the messages under test can change."""

    def __init__(self, now_s: int) -> None:
        self.now_s = now_s
        self.people = {"alice": Person("alice", 1_000_000), "bob": Person("bob", 500_000)}
        self.shop = Shop()
        self.orders: dict[str, Order] = {}
        self.suspended: dict[str, bool] = {"eastbank": False, "westpay": False}
        self.roles = {role: [role] for role in ("operator", "regulator", "central_bank", "city")}
        self.motions: list[Motion] = []
        self.key_owners = {first: first for first in FIRST}

    def acts(self, institution: str, signer: str) -> str:
        if signer != institution:
            return "not_institution_key"
        return "institution_suspended" if self.suspended[institution] else ""

    def frozen(self, subject: str) -> bool:
        return subject in self.orders and self.now_s < self.orders[subject].ends_s

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
        person.recovery, person.status = (key, self.now_s + 3 * DAY_S, person.status), "locked"
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
        person.key, person.recovery, person.status = person.recovery[0], None, "open"
        self.key_owners[person.key] = name
        return ""

    def cancel(self, name: str, signer: str) -> str:
        person = self.people[name]
        if refusal := self._either(name, signer):
            return refusal
        if person.recovery is None:
            return "no_recovery"
        if signer == person.key:
            person.status = person.recovery[2]
        person.recovery = None
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
        if person.held:
            return "account_not_empty"
        person.status = "closed"
        return ""

    def reopen(self, name: str, signer: str) -> str:
        if refusal := self.acts(HOMES[name], signer):
            return refusal
        if self.people[name].status != "closed":
            return "account_not_closed"
        self.people[name].status = "open"
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
        person.held += change
        return ""

    def _shop_either(self, signer: str) -> str:
        may = signer == self.shop.owner or not self.acts("eastbank", signer)
        return "" if may else "not_owner_or_acquirer"

    def shop_terms(self) -> tuple[str, str]:
        following = self.shop.following
        return following[1:] if following and following[0] <= self.now_s else self.shop.terms

    def hand_over(self, owner: str, signer: str) -> str:
        if signer != self.shop.owner:
            return "not_owner"
        if self.shop.status == "closed":
            return "merchant_closed"
        if owner == signer:
            return "owner_unchanged"
        self.shop.owner = owner
        return ""

    def change_terms(self, mode: str, account: str, signer: str) -> str:
        if signer != self.shop.owner:
            return "not_owner"
        if self.shop.status == "closed":
            return "merchant_closed"
        if (mode, account) == self.shop_terms():
            return "terms_unchanged"
        self.shop.terms = self.shop_terms()
        self.shop.following = (self.now_s + DAY_S, mode, account)
        return ""

    def cancel_terms(self, signer: str) -> str:
        if refusal := self._shop_either(signer):
            return refusal
        if not self.shop.following or self.shop.following[0] <= self.now_s:
            return "no_terms_pending"
        self.shop.following = None
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
        if wanted == "closed" and self.frozen("TEAHOUSE"):
            return "frozen_merchant"
        self.shop.status = wanted
        return ""

    def freeze(self, subject: str, reference: str, until_s: int, signer: str) -> str:
        if signer not in self.roles["regulator"]:
            return "missing_role"
        if self.frozen(subject):
            return "already_frozen"
        before = self.orders.get(subject)
        last_s = before.interim_s if before else 0
        is_rested = last_s == 0 or self.now_s >= last_s + 30 * DAY_S
        ends_s = min(until_s, self.now_s + 3 * DAY_S) if is_rested else self.now_s
        interim_s = self.now_s if is_rested else last_s
        self.orders[subject] = Order(reference, self.now_s, until_s, ends_s, interim_s=interim_s)
        return ""

    def release(self, subject: str, reference: str, signer: str) -> str:
        if signer not in self.roles["regulator"]:
            return "missing_role"
        if not self.frozen(subject):
            return "not_frozen"
        order = self.orders[subject]
        if order.agreed:
            order.release = reference
        else:
            order.ends_s = order.ordered_s = self.now_s
        return ""

    def agree(self, subject: str, reference: str, signer: str) -> str:
        if refusal := self.acts(HOMES.get(subject, "eastbank"), signer):
            return refusal
        order = self.orders.get(subject)
        if order is None:
            return "nothing_to_agree"
        if order.agreed:
            if not self.frozen(subject) or order.release != reference:
                return "nothing_to_agree"
            order.ends_s = self.now_s
            return ""
        if order.reference != reference:
            return "nothing_to_agree"
        if self.now_s >= min(order.ordered_s, order.begun_s + 3 * DAY_S):
            return "agreement_late"
        order.agreed, order.ends_s, order.interim_s = True, order.ordered_s, 0
        return ""

    def _try(self, what: tuple[str, str, bool]) -> str:
        kind, name, wanted = what
        if kind == "role":
            if (name in self.roles["city"]) == wanted:
                return "role_held" if wanted else "role_not_held"
        elif self.suspended[name] == wanted:
            return "standing_unchanged"
        return ""

    def propose(self, what: tuple[str, str, bool], role: str, signer: str) -> str:
        if signer not in self.roles[role]:
            return "missing_role"
        if refusal := self._try(what):
            return refusal
        self.motions.append(Motion(what, signer, self.now_s + DAY_S, {signer: role}))
        return ""

    def _open_motion(self, number: int) -> tuple[Motion | None, str]:
        if not 1 <= number <= len(self.motions):
            return None, "unknown_proposal"
        motion = self.motions[number - 1]
        if motion.state != "open":
            return None, "proposal_decided"
        return (None, "proposal_expired") if self.now_s >= motion.lapses_s else (motion, "")

    def approve(self, number: int, role: str, signer: str) -> str:
        motion, refusal = self._open_motion(number)
        if motion is None:
            return refusal
        if signer not in self.roles[role]:
            return "missing_role"
        if signer in motion.voices:
            return "already_approved"
        voices = {**motion.voices, signer: role}
        heard = {each for key, each in voices.items() if key in self.roles[each]}
        if {"operator", "regulator"} <= heard:
            if refusal := self._try(motion.what):
                return refusal
            kind, name, wanted = motion.what
            if kind == "standing":
                self.suspended[name] = wanted
            elif wanted:
                self.roles["city"].append(name)
            else:
                self.roles["city"].remove(name)
            motion.state = "enacted"
        motion.voices = voices
        return ""

    def withdraw(self, number: int, signer: str) -> str:
        motion, refusal = self._open_motion(number)
        if motion is None:
            return refusal
        if motion.proposer != signer:
            return "not_proposer"
        motion.state = "withdrawn"
        return ""
