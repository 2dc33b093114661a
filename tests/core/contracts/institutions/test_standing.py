"""What governance decides of institutions, their keys, and the report of what each issued and owes."""

from __future__ import annotations

import msgspec
import pytest

from chainpos.core.chain.signatures import verify
from chainpos.core.contracts import registry
from chainpos.core.contracts.balances.codes import UNKNOWN_CURRENCY
from chainpos.core.contracts.balances.messages import Issue, Redeem
from chainpos.core.contracts.balances.supply import SupplyLine, supply_lines
from chainpos.core.contracts.customers import port as customers
from chainpos.core.contracts.institutions import codes, port
from chainpos.core.contracts.institutions.changes import ReplaceKey, SetDebitCaps, SetStanding
from chainpos.core.contracts.institutions.messages import RotateKey
from chainpos.core.contracts.possession import institution_holder, possession_bytes
from chainpos.errors import Code, Rejected
from tests.core.contracts.conftest import BANK, CHAIN_ID, CNY, WALLET, World, events_of, key_of
from tests.core.contracts.deciding import decided, undecidable

NEW = key_of("new bank key")
PROOF = NEW.sign(possession_bytes(CHAIN_ID, institution_holder(BANK)))
ROTATE = RotateKey(BANK, NEW.public, PROOF)
STANDING, CAPS, KEY = "institutions.standing", "institutions.debit_caps", "institutions.key"
SUSPEND = SetStanding(BANK, is_suspended=True, reason="Audit 7")


def test_a_suspended_institution_neither_acts_nor_pays(world: World) -> None:
    result = decided(world, STANDING, SUSPEND)
    assert events_of(result, "institutions.suspended") == [{"institution": BANK, "reason": "Audit 7"}]
    issue = Issue(BANK, world.address("alice"), CNY, 1, "cash", "R")
    world.refused(issue, BANK, codes.INSTITUTION_SUSPENDED)
    with pytest.raises(Rejected) as refusal:
        customers.payer(world.context(), key_of("alice").public)
    assert refusal.value.code == codes.INSTITUTION_SUSPENDED
    assert customers.payer(world.context(), key_of("bob").public).institution == WALLET
    world.refused(ROTATE, BANK, codes.INSTITUTION_SUSPENDED)
    result = decided(world, STANDING, SetStanding(BANK, is_suspended=False, reason="Cleared"))
    assert events_of(result, "institutions.reinstated") == [{"institution": BANK, "reason": "Cleared"}]
    world.accepted(issue, BANK)


def test_caps_are_decided_for_each_currency(world: World) -> None:
    result = decided(world, CAPS, SetDebitCaps(BANK, (("HKD", 7), (CNY, 9))))
    assert events_of(result, "institutions.caps_changed") == [{"institution": BANK, "caps": "CNY:9,HKD:7"}]
    ctx = world.context()
    assert [port.net_debit_cap(ctx, BANK, currency) for currency in (CNY, "HKD", "USD")] == [9, 7, 0]


@pytest.mark.parametrize("how", ["by itself", "by governance"])
def test_another_key_acts(world: World, how: str) -> None:
    if how == "by itself":
        world.accepted(ROTATE, BANK)
    else:
        decided(world, KEY, ReplaceKey(BANK, NEW.public))
    ctx = world.context()
    port.require_signer(ctx, BANK, NEW.public)
    assert not port.is_signer(ctx, BANK, key_of(BANK).public)


def test_the_new_key_signs_for_the_institution_and_the_chain() -> None:
    known = registry.MESSAGES["institutions.rotate_key"]
    (claim,) = known.signatures(CHAIN_ID, ROTATE)
    assert verify(claim.public_key, claim.message, claim.signature)
    (claim,) = known.signatures(CHAIN_ID, msgspec.structs.replace(ROTATE, institution=WALLET))
    assert not verify(claim.public_key, claim.message, claim.signature)


@pytest.mark.parametrize(
    ("message", "signer", "code"),
    [
        (ROTATE, WALLET, codes.NOT_INSTITUTION_KEY),
        (RotateKey("nobody", NEW.public, PROOF), BANK, codes.UNKNOWN_INSTITUTION),
        (RotateKey(BANK, bytes(31), PROOF), BANK, codes.BAD_INSTITUTION_KEY),
        (RotateKey(BANK, key_of(BANK).public, PROOF), BANK, codes.INSTITUTION_KEY_UNCHANGED),
    ],
)
def test_a_key_is_refused(world: World, message: RotateKey, signer: str, code: Code) -> None:
    world.refused(message, signer, code)


@pytest.mark.parametrize(
    ("kind", "change", "code"),
    [
        (STANDING, SetStanding("nobody", is_suspended=True, reason="x"), codes.UNKNOWN_INSTITUTION),
        (STANDING, SetStanding(BANK, is_suspended=False, reason="x"), codes.STANDING_UNCHANGED),
        (STANDING, SetStanding(BANK, is_suspended=True, reason=""), codes.BAD_STANDING_REASON),
        (STANDING, SetStanding(BANK, is_suspended=True, reason="\x1b"), codes.BAD_STANDING_REASON),
        (CAPS, SetDebitCaps("nobody", ()), codes.UNKNOWN_INSTITUTION),
        (CAPS, SetDebitCaps(BANK, ((CNY, -1),)), codes.BAD_DEBIT_CAP),
        (CAPS, SetDebitCaps(BANK, ((CNY, 1), (CNY, 2))), codes.BAD_DEBIT_CAP),
        (CAPS, SetDebitCaps(BANK, (("XXX", 1),)), UNKNOWN_CURRENCY),
        (KEY, ReplaceKey("nobody", bytes(32)), codes.UNKNOWN_INSTITUTION),
        (KEY, ReplaceKey(BANK, bytes(31)), codes.BAD_INSTITUTION_KEY),
        (KEY, ReplaceKey(BANK, key_of(BANK).public), codes.INSTITUTION_KEY_UNCHANGED),
    ],
)
def test_a_change_is_refused(world: World, kind: str, change: msgspec.Struct, code: Code) -> None:
    undecidable(world, kind, change, code)


def test_an_unknown_institution_is_not_active(world: World) -> None:
    with pytest.raises(Rejected) as refusal:
        port.require_active(world.context(), "nobody")
    assert refusal.value.code == codes.UNKNOWN_INSTITUTION


def test_supply_is_reported_by_issuer_and_currency(world: World) -> None:
    """eastbank: 1,000,000 + 5,000,000 + 100,000,000 at genesis, 50 more, 7 redeemed; westpay: 500,000 + 200,000."""
    world.accepted(Issue(BANK, world.address("alice"), CNY, 50, "interest", "R1"), BANK)
    world.accepted(Redeem(BANK, world.address("carol"), CNY, 7, "charge", "R2"), BANK)
    assert supply_lines(world.state) == (
        SupplyLine("CENTRAL", CNY, 11_000_000, 0, 11_000_000, 0),
        SupplyLine(BANK, CNY, 106_000_050, 7, 106_000_043, 10_000_000),
        SupplyLine(WALLET, CNY, 700_000, 0, 700_000, 1_000_000),
    )
    assert [line.outstanding_minor for line in supply_lines(world.state)] == [11_000_000, 106_000_043, 700_000]
