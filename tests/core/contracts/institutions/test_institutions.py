"""Registering institutions, moving central-bank money: accepted, refused by each code, leaving no trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chainpos.core.contracts.balances import codes as balances_codes
from chainpos.core.contracts.balances.records import (
    ACCOUNTS,
    Account,
    account_key,
    central_issued_account,
    issued_account,
    reserve_account,
)
from chainpos.core.contracts.governance.codes import MISSING_ROLE
from chainpos.core.contracts.institutions import codes, port
from chainpos.core.contracts.institutions.invariants import accounts_belong_to_institutions, directory_is_complete
from chainpos.core.contracts.institutions.messages import DrainReserve, FundReserve, Register
from chainpos.core.contracts.institutions.records import (
    DIRECTORY,
    INSTITUTIONS,
    MAX_INSTITUTIONS,
    SUSPENDED,
    Directory,
    institution_key,
)
from chainpos.core.contracts.merchants.messages import RevokeTill
from chainpos.core.values.amount import MAX_MINOR
from chainpos.errors import Code, Rejected
from tests.core.contracts.conftest import BANK, CNY, WALLET, World, events_of, key_of, legs_of
from tests.core.contracts.deciding import decided, proposal, undecidable

KIND = "institutions.register"
NORTH = key_of("northbank").public
REGISTER = Register("northbank", "North Lake Bank", "北湖银行", "bank", NORTH, (("CNY", 1_000), ("USD", 5)))
FUND = FundReserve(BANK, CNY, 700, "CB-1")
DRAIN = DrainReserve(BANK, CNY, 700, "CB-2")


def test_a_registered_institution_may_act_at_once(world: World) -> None:
    result = decided(world, KIND, REGISTER)
    assert events_of(result, "institutions.registered") == [
        {"institution": "northbank", "kind": "bank", "key": NORTH.hex()}
    ]
    ctx = world.context()
    assert port.all_institutions(ctx) == (BANK, "northbank", WALLET)
    port.require_signer(ctx, "northbank", NORTH)
    assert port.is_signer(ctx, "northbank", NORTH)
    assert not port.is_signer(ctx, "northbank", key_of(BANK).public)


def test_a_cap_that_was_not_set_is_zero(world: World) -> None:
    decided(world, KIND, REGISTER)
    ctx = world.context()
    assert [port.net_debit_cap(ctx, "northbank", code) for code in ("CNY", "USD", "EUR")] == [1_000, 5, 0]


REFUSALS: list[tuple[str, dict[str, object], Code]] = [
    ("a name that is taken", {"institution": BANK}, codes.INSTITUTION_EXISTS),
    ("a name of two letters", {"institution": "no"}, codes.BAD_INSTITUTION_ID),
    ("a name of seventeen letters", {"institution": "n" * 17}, codes.BAD_INSTITUTION_ID),
    ("a name in capitals", {"institution": "NORTHBANK"}, codes.BAD_INSTITUTION_ID),
    ("a name with a slash", {"institution": "north/bank"}, codes.BAD_INSTITUTION_ID),
    ("a name beginning with a digit", {"institution": "1north"}, codes.BAD_INSTITUTION_ID),
    ("a name with a line end", {"institution": "northbank\n"}, codes.BAD_INSTITUTION_ID),
    ("no English name", {"name_en": ""}, codes.BAD_INSTITUTION_NAME),
    ("a Chinese name that hides", {"name_zh": "北\u200b湖"}, codes.BAD_INSTITUTION_NAME),
    ("a name too long", {"name_zh": "湖" * 22}, codes.BAD_INSTITUTION_NAME),
    ("a kind of its own", {"kind": "exchange"}, codes.BAD_INSTITUTION_KIND),
    ("a key too short", {"key": bytes(31)}, codes.BAD_INSTITUTION_KEY),
    ("a cap below zero", {"debit_caps": (("CNY", -1),)}, codes.BAD_DEBIT_CAP),
    ("a cap beyond counting", {"debit_caps": (("CNY", MAX_MINOR + 1),)}, codes.BAD_DEBIT_CAP),
    ("two caps for a currency", {"debit_caps": (("CNY", 1), ("CNY", 2))}, codes.BAD_DEBIT_CAP),
    ("a cap in no currency", {"debit_caps": (("XAU", 1),)}, balances_codes.UNKNOWN_CURRENCY),
]


@pytest.mark.parametrize(("change", "code"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_it_is_not_registered(world: World, change: dict[str, Any], code: Code) -> None:
    undecidable(world, KIND, msgspec.structs.replace(REGISTER, **change), code)


@pytest.mark.parametrize("signer", ["regulator", "central_bank", BANK, "alice"])
def test_only_an_operator_registers(world: World, signer: str) -> None:
    world.refused(proposal(world, KIND, REGISTER), signer, MISSING_ROLE)


def test_the_directory_is_bounded(world: World) -> None:
    for number in range(MAX_INSTITUTIONS - 2):
        decided(world, KIND, msgspec.structs.replace(REGISTER, institution=f"bank{number:02}"))
    world.check()
    undecidable(world, KIND, REGISTER, codes.TOO_MANY_INSTITUTIONS)


def test_the_central_bank_funds_and_drains_a_reserve(world: World) -> None:
    """
    reserve/eastbank 10,000,000 -> 10,000,700 -> 10,000,000; central/issued the opposite; no deposit moves
    """
    deposits = world.balance(issued_account(BANK))
    result = world.accepted(FUND, "central_bank")
    assert world.balance(reserve_account(BANK)) == 10_000_700
    assert world.balance(central_issued_account()) == -11_000_700
    assert legs_of(result) == [(central_issued_account(), -700), (reserve_account(BANK), 700)]
    assert events_of(result, "institutions.reserve_funded")[0]["reference"] == "CB-1"
    result = world.accepted(DRAIN, "central_bank")
    assert world.balance(reserve_account(BANK)) == 10_000_000
    assert events_of(result, "institutions.reserve_drained")[0]["amount_minor"] == "700"
    assert world.balance(issued_account(BANK)) == deposits


MOVES: list[tuple[str, dict[str, object], str, Code]] = [
    ("the institution itself", {}, BANK, MISSING_ROLE),
    ("an operator", {}, "operator", MISSING_ROLE),
    ("nothing", {"amount_minor": 0}, "central_bank", balances_codes.BAD_AMOUNT),
    ("an unknown currency", {"currency": "XAU"}, "central_bank", balances_codes.UNKNOWN_CURRENCY),
    ("no reference", {"reference": ""}, "central_bank", balances_codes.BAD_REFERENCE),
    ("an unknown institution", {"institution": "northbank"}, "central_bank", codes.UNKNOWN_INSTITUTION),
]


@pytest.mark.parametrize("message", [FUND, DRAIN], ids=["fund", "drain"])
@pytest.mark.parametrize(("change", "signer", "code"), [row[1:] for row in MOVES], ids=[row[0] for row in MOVES])
def test_no_reserve_moves(
    world: World, message: msgspec.Struct, change: dict[str, Any], signer: str, code: Code
) -> None:
    world.refused(msgspec.structs.replace(message, **change), signer, code)


def test_no_more_is_drained_than_is_there(world: World) -> None:
    message = msgspec.structs.replace(DRAIN, amount_minor=10_000_001)
    world.refused(message, "central_bank", balances_codes.INSUFFICIENT_FUNDS)


def test_a_suspended_institution_does_not_act(world: World) -> None:
    ctx = world.context()
    key = institution_key(BANK)
    ctx.put(INSTITUTIONS, key, msgspec.structs.replace(port.found(ctx, BANK), status=SUSPENDED))
    world.commit(ctx)
    with pytest.raises(Rejected) as refusal:
        port.require_signer(world.context(), BANK, key_of(BANK).public)
    assert refusal.value.code == codes.INSTITUTION_SUSPENDED
    assert not port.is_signer(world.context(), BANK, key_of(BANK).public)
    assert world.run(RevokeTill("TEAHOUSE", key_of("TEAHOUSE.till").public), BANK).log == "not_owner_or_acquirer"


@pytest.mark.parametrize(
    "ask",
    [
        lambda ctx: port.require_known(ctx, "northbank"),
        lambda ctx: port.net_debit_cap(ctx, "northbank", CNY),
        lambda ctx: port.is_signer(ctx, "northbank", NORTH),
    ],
)
def test_what_is_asked_of_an_unknown_institution_is_refused(world: World, ask: Callable[..., object]) -> None:
    with pytest.raises(Rejected) as refusal:
        ask(world.context())
    assert refusal.value.code == codes.UNKNOWN_INSTITUTION


def test_a_directory_that_lacks_a_name_is_found(world: World) -> None:
    ctx = world.context()
    ctx.put(DIRECTORY, b"", Directory((BANK,)))
    world.commit(ctx)
    assert [each.invariant for each in directory_is_complete(world.state)] == ["directory_is_complete"]


@pytest.mark.parametrize("account", [issued_account("northbank"), reserve_account("northbank")])
def test_an_account_of_nobodys_is_found(world: World, account: str) -> None:
    ctx = world.context()
    ctx.put(ACCOUNTS, account_key(account, CNY), Account(0))
    world.commit(ctx)
    (violation,) = accounts_belong_to_institutions(world.state)
    assert violation.invariant == "accounts_belong_to_institutions"
