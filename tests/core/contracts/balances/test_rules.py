"""Issue and redeem: accepted, refused by each code, leaving no trace."""

from __future__ import annotations

import msgspec
import pytest

from chainpos.core.contracts.balances import codes
from chainpos.core.contracts.balances.messages import Issue, Redeem
from chainpos.core.contracts.balances.records import issued_account
from chainpos.core.contracts.compliance.codes import ACCOUNT_FROZEN
from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.customers.codes import OVER_BALANCE_LIMIT, UNKNOWN_CUSTOMER
from chainpos.core.contracts.institutions.codes import NOT_INSTITUTION_KEY, UNKNOWN_INSTITUTION
from chainpos.core.contracts.ports import account_subject
from chainpos.core.values.amount import MAX_MINOR
from chainpos.errors import Code
from tests.core.contracts.conftest import BANK, CNY, GENESIS_S, WALLET, World, events_of, key_of, legs_of

ALICE = key_of("alice").address
ISSUE = Issue(BANK, ALICE, CNY, 250, "cash", "BR-7")
REDEEM = Redeem(BANK, ALICE, CNY, 250, "cash", "BR-8")


def test_an_institution_issues_to_its_own_customer(world: World) -> None:
    result = world.accepted(ISSUE, BANK)
    assert world.held("alice") == 1_000_250
    assert legs_of(result) == [(issued_account(BANK), -250), (world.account("alice"), 250)]
    (told,) = events_of(result, "balances.issued")
    assert told == {
        "institution": BANK,
        "account": ALICE.hex(),
        "currency": CNY,
        "amount_minor": "250",
        "reason": "cash",
        "reference": "BR-7",
    }


def test_an_institution_redeems_from_its_own_customer(world: World) -> None:
    result = world.accepted(REDEEM, BANK)
    assert world.held("alice") == 999_750
    assert len(events_of(result, "balances.redeemed")) == 1


def test_money_may_come_into_a_frozen_wallet_and_not_leave_it(world: World) -> None:
    world.accepted(Freeze(account_subject(ALICE), "order 1", GENESIS_S + 100), "regulator")
    world.accepted(ISSUE, BANK)
    world.refused(REDEEM, BANK, ACCOUNT_FROZEN)
    world.advance(100)
    world.accepted(REDEEM, BANK)


REFUSALS: list[tuple[str, dict[str, object], str, Code]] = [
    ("another institution's key", {}, WALLET, NOT_INSTITUTION_KEY),
    ("the customer's own key", {}, "alice", NOT_INSTITUTION_KEY),
    ("an unknown institution", {"institution": "northbank"}, BANK, UNKNOWN_INSTITUTION),
    ("nothing", {"amount_minor": 0}, BANK, codes.BAD_AMOUNT),
    ("less than nothing", {"amount_minor": -1}, BANK, codes.BAD_AMOUNT),
    ("more than can be counted", {"amount_minor": MAX_MINOR + 1}, BANK, codes.BAD_AMOUNT),
    ("an unknown currency", {"currency": "XAU"}, BANK, codes.UNKNOWN_CURRENCY),
    ("no reason", {"reason": ""}, BANK, codes.BAD_REASON),
    ("a reason that is not listed", {"reason": "gift"}, BANK, codes.BAD_REASON),
    ("a reason that hides", {"reason": "cash\u202e"}, BANK, codes.BAD_REASON),
    ("no reference", {"reference": ""}, BANK, codes.BAD_REFERENCE),
    ("a reference of two lines", {"reference": "a\nb"}, BANK, codes.BAD_REFERENCE),
    ("nobody's account", {"account": bytes(20)}, BANK, UNKNOWN_CUSTOMER),
    ("no address at all", {"account": b"alice"}, BANK, UNKNOWN_CUSTOMER),
    ("another's customer", {"account": key_of("bob").address}, BANK, codes.WRONG_INSTITUTION),
]


@pytest.mark.parametrize("message", [ISSUE, REDEEM], ids=["issue", "redeem"])
@pytest.mark.parametrize(("change", "signer", "code"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_it_is_refused(
    world: World, message: msgspec.Struct, change: dict[str, object], signer: str, code: Code
) -> None:
    world.refused(msgspec.structs.replace(message, **change), signer, code)


def test_nothing_is_issued_beyond_the_wallets_limit(world: World) -> None:
    world.refused(msgspec.structs.replace(ISSUE, amount_minor=1_000_001), BANK, OVER_BALANCE_LIMIT)
    world.accepted(msgspec.structs.replace(ISSUE, amount_minor=1_000_000), BANK)


def test_nothing_is_redeemed_beyond_what_is_held(world: World) -> None:
    world.refused(msgspec.structs.replace(REDEEM, amount_minor=1_000_001), BANK, codes.INSUFFICIENT_FUNDS)
    world.accepted(msgspec.structs.replace(REDEEM, amount_minor=1_000_000), BANK)


def test_what_was_ever_issued_stays_countable(world: World) -> None:
    erin = key_of("erin").address
    huge = Issue(BANK, erin, CNY, MAX_MINOR - 100_000_000, "interest", "R1")
    world.refused(huge, BANK, codes.BALANCE_OVERFLOW)
