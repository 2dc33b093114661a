"""Postings: what moves, what is refused, what halts."""

from __future__ import annotations

import pytest

from chainpos.core.contracts.balances import codes, port
from chainpos.core.contracts.balances.events import POSTED, Leg, decode_legs, encode_legs
from chainpos.core.contracts.balances.records import (
    ACCOUNTS,
    CENTRAL_BANK,
    NETWORK_HOLDER,
    AccountName,
    account_key,
    central_issued_account,
    customer_account,
    fee_account,
    issued_account,
    merchant_account,
    parse_account,
    read_account_key,
    reserve_account,
)
from chainpos.core.values.amount import MAX_MINOR
from chainpos.errors import Code, MalformedBytes, Rejected, StateMismatch
from tests.core.contracts.conftest import BANK, CNY, WALLET, World, attributes_of

SHOP = merchant_account("TEAHOUSE", BANK)
FEES = fee_account(BANK, BANK)


def refusal(world: World, currency: str, *legs: Leg) -> Code:
    ctx = world.context()
    mark = ctx.journal.mark()
    with pytest.raises(Rejected) as rejected:
        port.post(ctx, currency, legs)
    ctx.journal.rollback(mark)
    assert ctx.journal.changes() == []
    assert ctx.events == []
    return rejected.value.code


def test_a_posting_moves_money_along_its_legs(world: World) -> None:
    """
    customer alice  1,000,000 ->   999,000
    customer carol  5,000,000 -> 5,000,996
    fees            0         ->         4
    """
    ctx = world.context()
    port.post(ctx, CNY, (Leg(world.account("alice"), -1_000), Leg(world.account("carol"), 996), Leg(FEES, 4)))
    world.commit(ctx)
    assert [world.held("alice"), world.held("carol"), world.balance(FEES)] == [999_000, 5_000_996, 4]
    world.check()


def test_a_posting_is_one_event_whose_legs_can_be_read_and_not_searched(world: World) -> None:
    ctx = world.context()
    legs = (Leg(world.account("alice"), -1_000), Leg(SHOP, 1_000))
    port.post(ctx, CNY, legs)
    (event,) = ctx.events
    assert event.type == POSTED
    assert attributes_of(event)["currency"] == CNY
    assert decode_legs(attributes_of(event)["legs"]) == legs
    assert not any(attribute.index for attribute in event.attributes)


def test_legs_of_zero_leave_no_record(world: World) -> None:
    ctx = world.context()
    port.post(ctx, CNY, (Leg(world.account("alice"), -5), Leg(FEES, 0), Leg(SHOP, 5)))
    assert ctx.get(ACCOUNTS, account_key(FEES, CNY)) is None
    assert len(decode_legs(attributes_of(ctx.events[0])["legs"])) == 2
    port.post(ctx, CNY, (Leg(FEES, 0),))
    assert len(ctx.events) == 1


def test_more_than_is_held_cannot_leave(world: World) -> None:
    alice = world.account("alice")
    assert refusal(world, CNY, Leg(alice, -1_000_001), Leg(SHOP, 1_000_001)) == codes.INSUFFICIENT_FUNDS
    ctx = world.context()
    port.post(ctx, CNY, (Leg(alice, -1_000_000), Leg(SHOP, 1_000_000)))
    world.commit(ctx)
    assert world.held("alice") == 0


def test_an_account_is_not_overdrawn_in_passing(world: World) -> None:
    assert refusal(world, CNY, Leg(SHOP, -1), Leg(SHOP, 1)) == codes.INSUFFICIENT_FUNDS


def test_an_account_named_twice_is_counted_twice(world: World) -> None:
    ctx = world.context()
    port.post(ctx, CNY, (Leg(world.account("alice"), -30), Leg(SHOP, 10), Leg(SHOP, 20)))
    assert port.balance(ctx, SHOP, CNY) == 30


def test_no_balance_grows_beyond_what_can_be_recorded(world: World) -> None:
    contra = issued_account(BANK)
    assert refusal(world, CNY, Leg(contra, -MAX_MINOR), Leg(SHOP, MAX_MINOR)) == codes.BALANCE_OVERFLOW
    ctx = world.context()
    port.post(ctx, "JPY", (Leg(contra, -MAX_MINOR), Leg(SHOP, MAX_MINOR)))
    with pytest.raises(Rejected) as rejected:
        port.post(ctx, "JPY", (Leg(issued_account(WALLET), -1), Leg(SHOP, 1)))
    assert rejected.value.code == codes.BALANCE_OVERFLOW


def test_an_unknown_currency_is_refused(world: World) -> None:
    assert refusal(world, "XAU", Leg(world.account("alice"), -1), Leg(SHOP, 1)) == codes.UNKNOWN_CURRENCY


def test_currencies_do_not_mix(world: World) -> None:
    assert refusal(world, "USD", Leg(world.account("alice"), -1), Leg(SHOP, 1)) == codes.INSUFFICIENT_FUNDS


@pytest.mark.parametrize(
    "legs",
    [
        (Leg(SHOP, 1),),
        (Leg(issued_account(BANK), -5), Leg(SHOP, 4)),
        (Leg(issued_account(BANK), -5), Leg(reserve_account(BANK), 5)),
        (Leg(reserve_account(BANK), -5), Leg(SHOP, 5)),
    ],
)
def test_legs_that_no_input_may_bring_about_halt(world: World, legs: tuple[Leg, ...]) -> None:
    with pytest.raises(StateMismatch):
        port.post(world.context(), CNY, legs)


def test_issue_and_redeem_move_supply_and_contra_account(world: World) -> None:
    """
    issued/eastbank before: -(1,000,000 + 5,000,000 + 100,000,000); then -70, then +20
    """
    ctx = world.context()
    before_minor = port.balance(ctx, issued_account(BANK), CNY)
    assert before_minor == -106_000_000
    port.issue(ctx, BANK, world.account("alice"), CNY, 70)
    port.redeem(ctx, BANK, world.account("alice"), CNY, 20)
    world.commit(ctx)
    assert world.balance(issued_account(BANK)) == before_minor - 50
    assert world.held("alice") == 1_000_050
    world.check()


def test_an_institution_may_redeem_more_than_it_issued(world: World) -> None:
    ctx = world.context()
    bob = world.account("bob")
    port.post(ctx, CNY, (Leg(world.account("erin"), -2_000_000), Leg(bob, 2_000_000)))
    port.redeem(ctx, WALLET, bob, CNY, 2_000_000)
    world.commit(ctx)
    assert world.balance(issued_account(WALLET)) == 2_000_000 - 700_000
    world.check()


@pytest.mark.parametrize("amount_minor", [0, -1, MAX_MINOR + 1])
def test_amounts_are_above_zero_and_countable(world: World, amount_minor: int) -> None:
    for move in (port.issue, port.redeem):
        with pytest.raises(Rejected) as rejected:
            move(world.context(), BANK, SHOP, CNY, amount_minor)
        assert rejected.value.code == codes.BAD_AMOUNT


def test_supply_stays_countable(world: World) -> None:
    ctx = world.context()
    port.issue(ctx, BANK, SHOP, "USD", MAX_MINOR - 1)
    port.redeem(ctx, BANK, SHOP, "USD", MAX_MINOR - 1)
    with pytest.raises(Rejected) as rejected:
        port.issue(ctx, BANK, SHOP, "USD", 2)
    assert rejected.value.code == codes.BALANCE_OVERFLOW
    port.issue(ctx, BANK, SHOP, "USD", 1)
    port.redeem(ctx, BANK, SHOP, "USD", 1)
    port.post(ctx, "USD", (Leg(issued_account(WALLET), -1), Leg(SHOP, 1)))
    with pytest.raises(Rejected) as rejected:
        port.redeem(ctx, BANK, SHOP, "USD", 1)
    assert rejected.value.code == codes.BALANCE_OVERFLOW


def test_every_account_name_reads_back() -> None:
    address = bytes(range(20))
    names = {
        customer_account(address, BANK): AccountName("customer", address.hex(), BANK),
        merchant_account("TEAHOUSE", BANK): AccountName("merchant", "TEAHOUSE", BANK),
        fee_account(NETWORK_HOLDER, BANK): AccountName("fees", "NETWORK", BANK),
        issued_account(BANK): AccountName("issued", "", BANK),
        reserve_account(BANK): AccountName("reserve", BANK, ""),
        central_issued_account(): AccountName("central_issued", "", ""),
    }
    assert {account: parse_account(account) for account in names} == names
    assert {read_account_key(account_key(account, CNY)) for account in names} == {(account, CNY) for account in names}


@pytest.mark.parametrize("name", ["", "customer/a", "central/x", "fees/a/b/c", "merchant/é/b", "lottery/a"])
def test_other_names_are_no_accounts(name: str) -> None:
    with pytest.raises(MalformedBytes):
        parse_account(name)


@pytest.mark.parametrize("text", ["", "a", "a:", "a:1", "a:+", "a:+1;", "a:*1", "é:+1", "a:+1x"])
def test_other_texts_are_no_legs(text: str) -> None:
    with pytest.raises(MalformedBytes):
        decode_legs(text)


def test_legs_read_back() -> None:
    legs = (Leg("issued/eastbank", -5), Leg(SHOP, 5))
    assert encode_legs(legs) == "issued/eastbank:-5;merchant/TEAHOUSE/eastbank:+5"
    assert decode_legs(encode_legs(legs)) == legs


def test_the_central_bank_is_no_institutions_name() -> None:
    assert not CENTRAL_BANK.islower()
    assert not NETWORK_HOLDER.islower()
