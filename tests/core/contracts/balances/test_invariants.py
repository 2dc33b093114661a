"""Each invariant of balances finds what it is for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chainpos.core.contracts import registry
from chainpos.core.contracts.balances.invariants import (
    no_negative_balance,
    postings_sum_to_zero,
    supply_is_issued_less_redeemed,
)
from chainpos.core.contracts.balances.records import (
    ACCOUNTS,
    SUPPLY,
    Account,
    Supply,
    account_key,
    central_issued_account,
    issued_account,
    reserve_account,
    supply_key,
)
from chainpos.core.contracts.context import Context, Scan, Violation
from chainpos.core.values.amount import MAX_MINOR
from tests.core.contracts.conftest import BANK, CNY, World

Invariant = Callable[[Scan], list[Violation]]


def add(ctx: Context, account: str, delta_minor: int) -> None:
    key = account_key(account, CNY)
    held = ctx.get(ACCOUNTS, key) or Account(0)
    ctx.put(ACCOUNTS, key, Account(held.balance_minor + delta_minor))


def one_fen_from_nowhere(world: World, ctx: Context) -> None:
    add(ctx, world.account("alice"), 1)


def a_reserve_from_nowhere(_: World, ctx: Context) -> None:
    add(ctx, reserve_account(BANK), 1)


def reserves_turned_into_deposits(world: World, ctx: Context) -> None:
    add(ctx, reserve_account(BANK), -1)
    add(ctx, world.account("alice"), 1)


def an_overdrawn_customer(world: World, ctx: Context) -> None:
    add(ctx, world.account("alice"), -1_000_001)
    add(ctx, world.account("carol"), 1_000_001)


def a_balance_beyond_counting(world: World, ctx: Context) -> None:
    add(ctx, world.account("erin"), MAX_MINOR)


def money_printed_without_supply(world: World, ctx: Context) -> None:
    add(ctx, issued_account(BANK), -5)
    add(ctx, world.account("alice"), 5)


def a_contra_account_without_supply(_: World, ctx: Context) -> None:
    ctx.delete(SUPPLY, supply_key("CENTRAL", CNY))


def a_negative_supply(_: World, ctx: Context) -> None:
    ctx.put(SUPPLY, supply_key(BANK, "USD"), Supply(-1, -1))


@pytest.mark.parametrize(
    ("fault", "invariant"),
    [
        (one_fen_from_nowhere, postings_sum_to_zero),
        (a_reserve_from_nowhere, postings_sum_to_zero),
        (reserves_turned_into_deposits, postings_sum_to_zero),
        (an_overdrawn_customer, no_negative_balance),
        (a_balance_beyond_counting, no_negative_balance),
        (money_printed_without_supply, supply_is_issued_less_redeemed),
        (a_contra_account_without_supply, supply_is_issued_less_redeemed),
        (a_negative_supply, supply_is_issued_less_redeemed),
    ],
)
def test_a_planted_fault_is_found(world: World, fault: Callable[[World, Context], None], invariant: Invariant) -> None:
    assert invariant(world.state) == []
    ctx = world.context()
    fault(world, ctx)
    world.commit(ctx)
    (violation, *_) = invariant(world.state)
    assert violation.invariant == getattr(invariant, "__name__")  # noqa: B009 - a callable's type has no name
    assert violation in registry.check_invariants(world.state)


def test_the_central_contra_account_may_be_below_zero(world: World) -> None:
    assert world.balance(central_issued_account()) == -11_000_000
