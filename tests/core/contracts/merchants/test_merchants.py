"""Merchants, owners and tills: accepted, refused by each code, leaving no trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chainpos.core.contracts.balances.records import ACCOUNTS, Account, account_key, merchant_account
from chainpos.core.contracts.context import Context, Scan, Violation
from chainpos.core.contracts.institutions.codes import NOT_INSTITUTION_KEY, UNKNOWN_INSTITUTION
from chainpos.core.contracts.merchants import codes, port
from chainpos.core.contracts.merchants.invariants import deposits_are_at_the_acquirer, tills_have_merchants
from chainpos.core.contracts.merchants.messages import AddTill, Register, RevokeTill
from chainpos.core.contracts.merchants.records import (
    CLOSED,
    MAX_TILLS,
    MERCHANTS,
    SUSPENDED,
    TILLS,
    Merchant,
    Till,
    merchant_key,
)
from chainpos.core.contracts.ports import MerchantTerms
from chainpos.core.values.amount import MAX_MINOR
from chainpos.errors import Code, Rejected
from tests.core.contracts.conftest import BANK, CNY, WALLET, World, events_of, key_of

OWNER, NEW_TILL = key_of("BOOKS.owner").public, key_of("BOOKS.till").public
TILL = key_of("TEAHOUSE.till").public
REGISTER = Register(
    "BOOKS", BANK, "Ink Pond Books", "墨池书屋", "5942", "Hefei", OWNER, "standard", "netted", "CN-5942-01"
)
ADD = AddTill("TEAHOUSE", NEW_TILL, "Counter 2", 50_000, 10_000)
REVOKE = RevokeTill("TEAHOUSE", TILL)


def change(world: World, name: str, **fields: Any) -> None:
    ctx = world.context()
    ctx.put(MERCHANTS, merchant_key(name), msgspec.structs.replace(port.found(ctx, name), **fields))
    world.commit(ctx)


def refusal(ask: Callable[[], object]) -> Code:
    with pytest.raises(Rejected) as rejected:
        ask()
    return rejected.value.code


def test_an_acquirer_registers_a_shop(world: World) -> None:
    result = world.accepted(REGISTER, BANK)
    assert events_of(result, "merchants.registered") == [{"merchant": "BOOKS", "acquirer": BANK, "owner": OWNER.hex()}]
    ctx = world.context()
    assert port.terms(ctx, "BOOKS") == MerchantTerms("BOOKS", BANK, "standard", "netted")
    assert port.is_owner(ctx, "BOOKS", OWNER)
    assert not port.is_owner(ctx, "BOOKS", TILL)


REFUSALS: list[tuple[str, dict[str, object], str, Code]] = [
    ("another institution's key", {}, WALLET, NOT_INSTITUTION_KEY),
    ("the owner's own key", {}, "BOOKS.owner", NOT_INSTITUTION_KEY),
    ("an unknown acquirer", {"acquirer": "northbank"}, BANK, UNKNOWN_INSTITUTION),
    ("a number that is taken", {"merchant": "TEAHOUSE"}, BANK, codes.MERCHANT_EXISTS),
    ("a number too short", {"merchant": "ABC"}, BANK, codes.BAD_MERCHANT_ID),
    ("a number too long", {"merchant": "A" * 17}, BANK, codes.BAD_MERCHANT_ID),
    ("a number in small letters", {"merchant": "books"}, BANK, codes.BAD_MERCHANT_ID),
    ("a number in wide digits", {"merchant": "５９４２"}, BANK, codes.BAD_MERCHANT_ID),
    ("no English name", {"name_en": ""}, BANK, codes.BAD_MERCHANT_NAME),
    ("an English name that turns round", {"name_en": "Books\u202e"}, BANK, codes.BAD_MERCHANT_NAME),
    ("a Chinese name with an escape", {"name_zh": "墨\x1b池"}, BANK, codes.BAD_MERCHANT_NAME),
    ("a name too long", {"name_en": "B" * 65}, BANK, codes.BAD_MERCHANT_NAME),
    ("a category of three digits", {"category": "594"}, BANK, codes.BAD_CATEGORY),
    ("a category of letters", {"category": "book"}, BANK, codes.BAD_CATEGORY),
    ("a category with a line end", {"category": "5942\n"}, BANK, codes.BAD_CATEGORY),
    ("no city", {"city": ""}, BANK, codes.BAD_CITY),
    ("a city too long", {"city": "H" * 33}, BANK, codes.BAD_CITY),
    ("an owner's key too short", {"owner": bytes(31)}, BANK, codes.BAD_OWNER_KEY),
    ("a fee class with a slash", {"fee_class": "a/b"}, BANK, codes.BAD_FEE_CLASS),
    ("settlement some day", {"settlement_mode": "later"}, BANK, codes.BAD_SETTLEMENT_MODE),
    ("no account for payouts", {"payout_account": ""}, BANK, codes.BAD_PAYOUT_ACCOUNT),
    ("an account with a formula", {"payout_account": "=1+1"}, BANK, codes.BAD_PAYOUT_ACCOUNT),
]


@pytest.mark.parametrize(("fields", "signer", "code"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_it_is_not_registered(world: World, fields: dict[str, Any], signer: str, code: Code) -> None:
    world.refused(msgspec.structs.replace(REGISTER, **fields), signer, code)


def test_an_owner_adds_a_till(world: World) -> None:
    result = world.accepted(ADD, "TEAHOUSE.owner")
    told = {"merchant": "TEAHOUSE", "till": NEW_TILL.hex(), "label": "Counter 2"}
    assert events_of(result, "merchants.till_added") == [told]
    assert port.require_till(world.context(), "TEAHOUSE", NEW_TILL) == 50_000
    added = world.context().get(TILLS, NEW_TILL)
    assert added is not None
    assert added.refund_daily_minor == 10_000


ADDITIONS: list[tuple[str, dict[str, object], str, Code]] = [
    ("another till", {}, "TEAHOUSE.till", codes.NOT_OWNER),
    ("another shop's owner", {}, "NOODLES.owner", codes.NOT_OWNER),
    ("the acquirer", {}, BANK, codes.NOT_OWNER),
    ("an unknown shop", {"merchant": "PALACE"}, "TEAHOUSE.owner", codes.UNKNOWN_MERCHANT),
    ("a key too short", {"till": bytes(31)}, "TEAHOUSE.owner", codes.BAD_TILL_KEY),
    ("no label", {"label": ""}, "TEAHOUSE.owner", codes.BAD_TILL_LABEL),
    ("a label too long", {"label": "x" * 33}, "TEAHOUSE.owner", codes.BAD_TILL_LABEL),
    ("a limit below zero", {"max_payment_minor": -1}, "TEAHOUSE.owner", codes.BAD_TILL_LIMITS),
    ("a limit beyond counting", {"refund_daily_minor": MAX_MINOR + 1}, "TEAHOUSE.owner", codes.BAD_TILL_LIMITS),
    ("a till of this shop", {"till": TILL}, "TEAHOUSE.owner", codes.TILL_KEY_IN_USE),
    (
        "a till of another shop",
        {"till": key_of("NOODLES.till").public},
        "TEAHOUSE.owner",
        codes.TILL_KEY_IN_USE,
    ),
]


@pytest.mark.parametrize(("fields", "signer", "code"), [r[1:] for r in ADDITIONS], ids=[r[0] for r in ADDITIONS])
def test_it_is_not_added(world: World, fields: dict[str, Any], signer: str, code: Code) -> None:
    world.refused(msgspec.structs.replace(ADD, **fields), signer, code)


def test_tills_are_bounded(world: World) -> None:
    change(world, "TEAHOUSE", tills=MAX_TILLS)
    world.refused(ADD, "TEAHOUSE.owner", codes.TOO_MANY_TILLS)


@pytest.mark.parametrize("status", [SUSPENDED, CLOSED])
def test_a_shop_that_is_not_open_neither_sells_nor_adds_tills(world: World, status: int) -> None:
    change(world, "TEAHOUSE", status=status)
    assert refusal(lambda: port.terms(world.context(), "TEAHOUSE")) == codes.MERCHANT_NOT_OPEN
    world.refused(ADD, "TEAHOUSE.owner", codes.MERCHANT_NOT_OPEN)
    assert port.acquirer_of(world.context(), "TEAHOUSE") == BANK
    world.accepted(REVOKE, "TEAHOUSE.owner")


@pytest.mark.parametrize("signer", ["TEAHOUSE.owner", BANK])
def test_owner_and_acquirer_revoke_a_till_at_once_and_for_good(world: World, signer: str) -> None:
    result = world.accepted(REVOKE, signer)
    assert events_of(result, "merchants.till_revoked") == [{"merchant": "TEAHOUSE", "till": TILL.hex()}]
    ctx = world.context()
    assert refusal(lambda: port.require_till(ctx, "TEAHOUSE", TILL)) == codes.TILL_REVOKED
    assert refusal(lambda: port.count_refund(ctx, "TEAHOUSE", TILL, 1)) == codes.TILL_REVOKED
    world.refused(REVOKE, signer, codes.TILL_REVOKED)
    world.refused(msgspec.structs.replace(ADD, till=TILL), "TEAHOUSE.owner", codes.TILL_KEY_IN_USE)


REVOCATIONS: list[tuple[str, dict[str, object], str, Code]] = [
    ("the till itself", {}, "TEAHOUSE.till", codes.NOT_OWNER_OR_ACQUIRER),
    ("another acquirer", {}, WALLET, codes.NOT_OWNER_OR_ACQUIRER),
    ("an unknown shop", {"merchant": "PALACE"}, BANK, codes.UNKNOWN_MERCHANT),
    ("an unknown till", {"till": bytes(32)}, BANK, codes.UNKNOWN_TILL),
    ("another shop's till", {"till": key_of("NOODLES.till").public}, BANK, codes.UNKNOWN_TILL),
]


@pytest.mark.parametrize(("fields", "signer", "code"), [r[1:] for r in REVOCATIONS], ids=[r[0] for r in REVOCATIONS])
def test_it_is_not_revoked(world: World, fields: dict[str, Any], signer: str, code: Code) -> None:
    world.refused(msgspec.structs.replace(REVOKE, **fields), signer, code)


def test_what_is_asked_of_an_unknown_shop_or_till_is_refused(world: World) -> None:
    ctx = world.context()
    assert refusal(lambda: port.terms(ctx, "PALACE")) == codes.UNKNOWN_MERCHANT
    assert refusal(lambda: port.acquirer_of(ctx, "PALACE")) == codes.UNKNOWN_MERCHANT
    assert refusal(lambda: port.is_owner(ctx, "PALACE", OWNER)) == codes.UNKNOWN_MERCHANT
    assert refusal(lambda: port.require_owner(ctx, "TEAHOUSE", OWNER)) == codes.NOT_OWNER
    assert refusal(lambda: port.require_till(ctx, "NOODLES", TILL)) == codes.UNKNOWN_TILL
    assert refusal(lambda: port.require_till(ctx, "TEAHOUSE", bytes(32))) == codes.UNKNOWN_TILL
    port.require_owner(ctx, "TEAHOUSE", key_of("TEAHOUSE.owner").public)


def test_a_till_returns_up_to_its_days_limit_and_no_fen_further(world: World) -> None:
    """The till's limit is 100,000 a day; midnight comes 6,400 s after genesis."""
    ctx = world.context()
    port.count_refund(ctx, "TEAHOUSE", TILL, 60_000)
    port.count_refund(ctx, "TEAHOUSE", TILL, 40_000)
    world.commit(ctx)
    world.check()
    world.advance(6_399)
    over = refusal(lambda: port.count_refund(world.context(), "TEAHOUSE", TILL, 1))
    assert over == codes.OVER_TILL_REFUND_LIMIT
    world.advance(1)
    ctx = world.context()
    port.count_refund(ctx, "TEAHOUSE", TILL, 100_000)
    world.commit(ctx)
    world.check()


def a_till_without_a_shop(ctx: Context) -> None:
    ctx.put(TILLS, bytes(32), Till("PALACE", "x", 1, 1, 1))


def a_till_that_is_not_counted(ctx: Context) -> None:
    ctx.put(TILLS, bytes(32), Till("TEAHOUSE", "x", 1, 1, 1))


def a_till_that_returned_too_much(ctx: Context) -> None:
    ctx.put(TILLS, TILL, Till("TEAHOUSE", "x", 1, 1, 1, 0, 2))


def a_shop_that_counts_too_many(ctx: Context) -> None:
    found: Merchant = port.found(ctx, "TEAHOUSE")
    ctx.put(MERCHANTS, b"TEAHOUSE", msgspec.structs.replace(found, tills=2))


def a_deposit_of_nobodys(ctx: Context) -> None:
    ctx.put(ACCOUNTS, account_key(merchant_account("PALACE", BANK), CNY), Account(0))


def a_deposit_at_another_institution(ctx: Context) -> None:
    ctx.put(ACCOUNTS, account_key(merchant_account("TEAHOUSE", WALLET), CNY), Account(0))


@pytest.mark.parametrize(
    ("fault", "invariant"),
    [
        (a_till_without_a_shop, tills_have_merchants),
        (a_till_that_is_not_counted, tills_have_merchants),
        (a_till_that_returned_too_much, tills_have_merchants),
        (a_shop_that_counts_too_many, tills_have_merchants),
        (a_deposit_of_nobodys, deposits_are_at_the_acquirer),
        (a_deposit_at_another_institution, deposits_are_at_the_acquirer),
    ],
)
def test_a_planted_fault_is_found(
    world: World, fault: Callable[[Context], None], invariant: Callable[[Scan], list[Violation]]
) -> None:
    assert invariant(world.state) == []
    ctx = world.context()
    fault(ctx)
    world.commit(ctx)
    assert {violation.invariant for violation in invariant(world.state)} == {getattr(invariant, "__name__")}  # noqa: B009 - a callable's type has no name
