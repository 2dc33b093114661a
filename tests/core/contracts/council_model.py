"""An independent plain model of what offices decide: freezes with agreement, proposals with a quorum.

Each method says by which name the ledger must refuse, or "" and what is so from then on. Who signs is a name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

HOUR_S = 3_600
DAY_S = 24 * HOUR_S
HOMES = {"alice": "eastbank", "bob": "westpay"}


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

    what: tuple[str, str, int]
    proposer: str
    lapses_s: int
    voices: dict[str, str] = field(default_factory=dict)
    state: str = "open"


class CouncilModel:
    """The offices, the institutions' standing, and who is frozen."""

    def __init__(self, now_s: int) -> None:
        self.now_s = now_s
        self.orders: dict[str, Order] = {}
        self.suspended: dict[str, bool] = {"eastbank": False, "westpay": False}
        self.bank_keys = {bank: bank for bank in self.suspended}
        self.roles = {role: [role] for role in ("operator", "regulator", "central_bank", "city")}
        self.motions: list[Motion] = []

    def acts(self, institution: str, signer: str) -> str:
        if signer != self.bank_keys[institution]:
            return "not_institution_key"
        return "institution_suspended" if self.suspended[institution] else ""

    def frozen(self, subject: str) -> bool:
        return subject in self.orders and self.now_s < self.orders[subject].ends_s

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

    def _try(self, what: tuple[str, str, int]) -> str:
        kind, name, wanted = what
        if kind == "role":
            if (name in self.roles["city"]) == wanted:
                return "role_held" if wanted else "role_not_held"
        elif self.suspended[name] == wanted:
            return "standing_unchanged"
        return ""

    def _enact(self, what: tuple[str, str, int]) -> None:
        kind, name, wanted = what
        if kind == "standing":
            self.suspended[name] = bool(wanted)
        elif wanted:
            self.roles["city"].append(name)
        else:
            self.roles["city"].remove(name)

    def propose(self, what: tuple[str, str, int], role: str, signer: str) -> str:
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
            self._enact(motion.what)
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
