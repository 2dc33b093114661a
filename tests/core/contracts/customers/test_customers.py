"""Opening accounts, and whose account a key signs for: accepted, refused by each code, leaving no trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chainpos.core.contracts.balances.records import ACCOUNTS, Account, account_key, customer_account
from chainpos.core.contracts.context import Context, Scan, Violation
from chainpos.core.contracts.customers import codes, port
from chainpos.core.contracts.customers.invariants import (
    days_are_counted_once,
    deposits_have_owners,
    keys_and_accounts_agree,
    limits_ascend_by_date,
)
from chainpos.core.contracts.customers.messages import Open
from chainpos.core.contracts.customers.records import (
    CLOSED,
    CODE_CLASSES,
    CUSTOMER_KEYS,
    CUSTOMERS,
    LOCKED,
    TIERS,
    ClassSchedule,
    ClassStep,
    Customer,
    DayUsage,
    KeyHolder,
    TierSchedule,
)
from chainpos.core.contracts.institutions.codes import NOT_INSTITUTION_KEY, UNKNOWN_INSTITUTION
from chainpos.core.contracts.ports import Party
from chainpos.core.values.hashes import address_of, sha256
from chainpos.errors import Code, Rejected
from tests.core.contracts.conftest import BANK, CNY, WALLET, World, events_of, key_of

FRANK = key_of("frank")
OPEN = Open(BANK, FRANK.public, "tier_3", "B", sha256(b"papers and salt"))
ALICE = key_of("alice")


def customer(world: World, name: str) -> Customer:
    found = world.state.get(CUSTOMERS, world.address(name))
    assert found is not None
    return found


def change(world: World, name: str, **fields: Any) -> None:
    ctx = world.context()
    ctx.put(CUSTOMERS, world.address(name), msgspec.structs.replace(customer(world, name), **fields))
    world.commit(ctx)


def test_an_institution_opens_an_account_whose_address_is_that_of_its_key(world: World) -> None:
    result = world.accepted(OPEN, BANK)
    assert result.data == address_of(FRANK.public)
    assert events_of(result, "customers.opened") == [
        {"account": FRANK.address.hex(), "institution": BANK, "tier": "tier_3"}
    ]
    assert port.payer(world.context(), FRANK.public) == Party(FRANK.address, BANK)
    assert port.party(world.context(), FRANK.address) == Party(FRANK.address, BANK)


def test_the_ledger_holds_a_commitment_and_nothing_else_of_the_person(world: World) -> None:
    world.accepted(OPEN, BANK)
    assert customer(world, "frank") == Customer(FRANK.public, BANK, "tier_3", "B", 1, OPEN.attestation, ())


def test_a_customer_takes_at_most_300_bytes(world: World) -> None:
    ctx = world.context()
    port.spend(ctx, ALICE.address, 100_000, CNY, "customer_code")
    world.commit(ctx)
    keys = [
        CUSTOMERS.full_key(ALICE.address),
        CUSTOMER_KEYS.full_key(ALICE.public),
        ACCOUNTS.full_key(account_key(world.account("alice"), CNY)),
    ]
    assert sum(len(key) + len(world.state.value(key) or b"") for key in keys) <= 300


REFUSALS: list[tuple[str, dict[str, object], str, Code]] = [
    ("another institution's key", {}, WALLET, NOT_INSTITUTION_KEY),
    ("the customer's own key", {}, "frank", NOT_INSTITUTION_KEY),
    ("an unknown institution", {"institution": "northbank"}, BANK, UNKNOWN_INSTITUTION),
    ("a key too short", {"key": bytes(31)}, BANK, codes.BAD_CUSTOMER_KEY),
    ("a key too long", {"key": bytes(33)}, BANK, codes.BAD_CUSTOMER_KEY),
    ("an unknown tier", {"tier": "tier_9"}, BANK, codes.UNKNOWN_TIER),
    ("an unknown class", {"code_class": "E"}, BANK, codes.UNKNOWN_CODE_CLASS),
    ("a bare commitment", {"attestation": b""}, BANK, codes.BAD_ATTESTATION),
    ("a key that has an account", {"key": ALICE.public}, BANK, codes.ACCOUNT_EXISTS),
]


@pytest.mark.parametrize(("fields", "signer", "code"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_it_is_not_opened(world: World, fields: dict[str, Any], signer: str, code: Code) -> None:
    world.refused(msgspec.structs.replace(OPEN, **fields), signer, code)


def test_neither_an_old_nor_a_new_key_of_an_account_opens_another(world: World) -> None:
    ctx = world.context()
    ctx.put(CUSTOMER_KEYS, FRANK.public, KeyHolder(ALICE.address))
    ctx.put(CUSTOMERS, ALICE.address, msgspec.structs.replace(customer(world, "alice"), key=FRANK.public))
    world.commit(ctx)
    world.check()
    assert port.payer(world.context(), FRANK.public) == Party(ALICE.address, BANK)
    world.refused(OPEN, BANK, codes.ACCOUNT_EXISTS)
    world.refused(msgspec.structs.replace(OPEN, key=ALICE.public), BANK, codes.ACCOUNT_EXISTS)


def refusal(ask: Callable[[], object]) -> Code:
    with pytest.raises(Rejected) as rejected:
        ask()
    return rejected.value.code


def test_an_unknown_key_signs_for_nobody(world: World) -> None:
    assert refusal(lambda: port.payer(world.context(), FRANK.public)) == codes.UNKNOWN_CUSTOMER
    assert refusal(lambda: port.party(world.context(), FRANK.address)) == codes.UNKNOWN_CUSTOMER
    assert refusal(lambda: port.spend(world.context(), b"", 1, CNY, "dynamic_qr")) == codes.UNKNOWN_CUSTOMER
    assert refusal(lambda: port.require_room(world.context(), b"", 1, CNY)) == codes.UNKNOWN_CUSTOMER


def test_a_locked_account_receives_and_does_not_pay(world: World) -> None:
    change(world, "alice", status=LOCKED)
    assert refusal(lambda: port.payer(world.context(), ALICE.public)) == codes.ACCOUNT_LOCKED
    assert port.party(world.context(), ALICE.address).institution == BANK


def test_a_closed_account_neither_receives_nor_pays(world: World) -> None:
    change(world, "alice", status=CLOSED)
    assert refusal(lambda: port.payer(world.context(), ALICE.public)) == codes.ACCOUNT_CLOSED
    assert refusal(lambda: port.party(world.context(), ALICE.address)) == codes.ACCOUNT_CLOSED


def a_key_that_signs_for_nobody(_: World, ctx: Context) -> None:
    ctx.put(CUSTOMER_KEYS, FRANK.public, KeyHolder(FRANK.address))


def an_account_without_its_key(_: World, ctx: Context) -> None:
    ctx.delete(CUSTOMER_KEYS, ALICE.public)


def a_deposit_of_nobodys(_: World, ctx: Context) -> None:
    ctx.put(ACCOUNTS, account_key(customer_account(FRANK.address, BANK), CNY), Account(0))


def a_deposit_at_another_institution(_: World, ctx: Context) -> None:
    ctx.put(ACCOUNTS, account_key(customer_account(ALICE.address, WALLET), CNY), Account(0))


def with_usage(world: World, ctx: Context, *usage: DayUsage) -> None:
    ctx.put(CUSTOMERS, ALICE.address, msgspec.structs.replace(customer(world, "alice"), usage=usage))


def a_part_larger_than_the_whole(world: World, ctx: Context) -> None:
    with_usage(world, ctx, DayUsage(CNY, 1, 10, 6, 5))


def a_negative_part(world: World, ctx: Context) -> None:
    with_usage(world, ctx, DayUsage(CNY, 1, 10, -1, 5))


def a_day_counted_twice(world: World, ctx: Context) -> None:
    with_usage(world, ctx, DayUsage(CNY, 1, 10, 1, 1), DayUsage(CNY, 2, 10, 1, 1))


def a_tier_without_steps(_: World, ctx: Context) -> None:
    ctx.put(TIERS, b"tier_3", TierSchedule(()))


def a_class_out_of_order(_: World, ctx: Context) -> None:
    ctx.put(CODE_CLASSES, b"B", ClassSchedule((ClassStep(5, ()), ClassStep(5, ()))))


@pytest.mark.parametrize(
    ("fault", "invariant"),
    [
        (a_key_that_signs_for_nobody, keys_and_accounts_agree),
        (an_account_without_its_key, keys_and_accounts_agree),
        (a_deposit_of_nobodys, deposits_have_owners),
        (a_deposit_at_another_institution, deposits_have_owners),
        (a_part_larger_than_the_whole, days_are_counted_once),
        (a_negative_part, days_are_counted_once),
        (a_day_counted_twice, days_are_counted_once),
        (a_tier_without_steps, limits_ascend_by_date),
        (a_class_out_of_order, limits_ascend_by_date),
    ],
)
def test_a_planted_fault_is_found(
    world: World, fault: Callable[[World, Context], None], invariant: Callable[[Scan], list[Violation]]
) -> None:
    assert invariant(world.state) == []
    ctx = world.context()
    fault(world, ctx)
    world.commit(ctx)
    assert {violation.invariant for violation in invariant(world.state)} == {getattr(invariant, "__name__")}  # noqa: B009 - a callable's type has no name
