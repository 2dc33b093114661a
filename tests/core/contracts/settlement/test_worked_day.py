"""One day by hand: three banks, netted and instant shops, a roll-over, refunds before and after, payouts both ways."""

from __future__ import annotations

from chainpos.core.contracts.balances.records import NETWORK_HOLDER
from chainpos.core.contracts.institutions.messages import FundReserve
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.contracts.settlement.codes import NOT_ENOUGH_AVAILABLE, NOTHING_RESOLVED
from chainpos.core.contracts.settlement.messages import Close, ConfirmPayout, FailPayout, RequestPayout, Resolve
from chainpos.core.contracts.settlement.records import (
    AVAILABLE,
    PAID_OUT,
    PENDING,
    REQUESTED,
    RESOLUTION,
    NetLeg,
    RolledOver,
    Through,
    money_state,
)
from tests.core.contracts.city import SOUTH, City, make_city
from tests.core.contracts.conftest import BANK, CNY, WALLET, genesis_values

SHOPS = ("TEAHOUSE", "BOOKS", "NOODLES")
PAYERS = ("alice", "fay", "gil")


def opening() -> City:
    """Reserves: eastbank 100,000, southbank 20,000, westpay 50,000; everybody else as ever."""
    state = make_city()
    state["balances"]["reserves"] = [
        {"institution": BANK, "currency": CNY, "amount_minor": 100_000},
        {"institution": SOUTH, "currency": CNY, "amount_minor": 20_000},
        {"institution": WALLET, "currency": CNY, "amount_minor": 50_000},
    ]
    return City(genesis_values(state))


def reserves(city: City) -> tuple[int, int, int]:
    return city.reserve(BANK), city.reserve(SOUTH), city.reserve(WALLET)


def money(city: City) -> list[tuple[int, int, int, int]]:
    return [city.money(shop) for shop in SHOPS]


def deposits(city: City) -> list[int]:
    return [city.deposit(name) for name in PAYERS]


def states(city: City, *payments: bytes) -> list[str]:
    found = []
    for each in payments:
        paid = city.payment(each)
        found.append(money_state(paid.placement, city.batch(paid.debtor).number, city.payouts(paid.merchant)))
    return found


def test_a_day_of_three_banks() -> None:
    """
    Fen. Fees are 0.38 %, rounded half up; a fifth of a fee, rounded half up, is the network's. TEAHOUSE is with
    eastbank and BOOKS with southbank, both netted; NOODLES is with westpay, instant. alice banks with eastbank (opens
    with 1,000,000), fay with southbank (5,000,000), gil with westpay (5,000,000).

    Morning                                   gross     fee  network      net   where it goes
    p1 alice -> TEAHOUSE                     10,000      38        8    9,962   one bank: available
    p2 alice -> BOOKS                        30,000     114       23   29,886   eastbank owes southbank 30,000
    p3 fay   -> TEAHOUSE                     70,000     266       53   69,734   southbank owes eastbank 70,000
    p4 gil   -> BOOKS, 20,000 and tip 500    20,500      76       15   20,424   westpay owes southbank 20,500
    p5 alice -> NOODLES                       5,000      19        4    4,981   instant: reserves 5,000 east -> west
    p6 fay   -> NOODLES                      25,000      95       19   24,905   southbank has 20,000 only: owes westpay
    r1 BOOKS gives gil 10,000 of p4 back: 76 * 10,000 / 20,000 = 38 of the fee, of that network 15 * 38 / 76 = 7.5 -> 8;
       net 9,962. Before the cut-off: westpay owes southbank 10,500; BOOKS' pending in it is 20,424 - 9,962 = 10,462

    First cycle                         owes    is owed      net   reserve
    eastbank                          30,000     70,000   40,000    95,000
    southbank                         95,000     40,500  -54,500    20,000   short by 34,500: rolled over
    westpay                           10,500     25,000   14,500    55,000
    without southbank's 95,000: eastbank -30,000, southbank +40,500, westpay -10,500; gross 135,500, settled 40,500,
    reserves moved 40,500 (nothing to offset any more). Reserves: 65,000, 60,500, 44,500.
    BOOKS' 29,886 and 10,462 are available; TEAHOUSE's 69,734 and NOODLES' 24,905 still wait for southbank.

    Late reserve: the central bank adds 30,000 to southbank: 90,500, still 4,500 short of 95,000: nothing to resolve.
    p7 gil -> BOOKS                           6,000      23        5    5,977   westpay owes southbank 6,000
    Another 4,500: 95,000, and with that southbank's batch settles at once: reserves 135,000, 0, 69,500. westpay's 6,000
    stay open.

    Payouts: TEAHOUSE asks for 79,000 of 9,962 + 69,734 = 79,696, leaving 696; confirmed.
    BOOKS asks for all of its 40,348; it fails; of the 40,348 that are available again it asks for 40,000.
    r2 BOOKS gives alice 30,000 of p2 back, after the cycle: net 29,886; it has 348: refused. The payout fails too, then
       it passes: southbank owes eastbank 30,000. BOOKS: available 40,348 - 29,886 = 10,462, pending 5,977.
    r3 NOODLES gives alice 2,000 of p5 back: 19 * 2,000 / 5,000 = 7.6 -> 8, network 4 * 8 / 19 = 1.7 -> 2; net 1,992:
       reserves 2,000 west -> east: 137,000, 0, 67,500. NOODLES: 4,981 + 24,905 - 1,992 = 27,894.

    Second cycle: southbank owes eastbank 30,000 and is owed 6,000 by westpay; it has no reserve: short by 24,000,
    rolled over. westpay pays 6,000: reserves 137,000, 6,000, 61,500. BOOKS: 10,462 + 5,977 = 16,439 available.
    """
    city = opening()
    p1 = city.bought("alice", "TEAHOUSE", 10_000)
    p2 = city.bought("alice", "BOOKS", 30_000)
    p3 = city.bought("fay", "TEAHOUSE", 70_000)
    p4 = city.bought("gil", "BOOKS", 20_000, tip=500)
    p5 = city.bought("alice", "NOODLES", 5_000)
    p6 = city.bought("fay", "NOODLES", 25_000)
    assert [city.payment(p).net_minor for p in (p1, p2, p3, p4, p5, p6)] == [
        9_962, 29_886, 69_734, 20_424, 4_981, 24_905,
    ]  # fmt: skip
    city.accepted(Refund(p4, 10_000, "R1", "damaged"), "BOOKS.owner")
    assert reserves(city) == (95_000, 20_000, 55_000)
    assert [city.owed(*pair) for pair in ((BANK, SOUTH), (SOUTH, BANK), (WALLET, SOUTH), (SOUTH, WALLET))] == [
        30_000, 70_000, 10_500, 25_000,
    ]  # fmt: skip
    assert money(city) == [(69_734, 9_962, 0, 0), (40_348, 0, 0, 0), (24_905, 4_981, 0, 0)]
    assert deposits(city) == [955_000, 4_905_000, 4_989_500]
    assert states(city, p1, p2, p3, p4, p5, p6) == [AVAILABLE, PENDING, PENDING, PENDING, AVAILABLE, PENDING]

    first_cycle(city)
    assert money(city) == [(69_734, 9_962, 0, 0), (0, 40_348, 0, 0), (24_905, 4_981, 0, 0)]
    assert states(city, p1, p2, p3, p4, p5, p6) == [AVAILABLE, AVAILABLE, PENDING, AVAILABLE, AVAILABLE, PENDING]

    p7 = late_reserve(city)
    assert money(city) == [(0, 79_696, 0, 0), (5_977, 40_348, 0, 0), (0, 29_886, 0, 0)]
    assert states(city, p3, p6, p7) == [AVAILABLE, AVAILABLE, PENDING]

    payouts_and_late_refunds(city, p2, p5)
    assert reserves(city) == (137_000, 0, 67_500)
    assert money(city) == [(0, 696, 0, 79_000), (5_977, 10_462, 0, 0), (0, 27_894, 0, 0)]
    assert states(city, p1, p3, p4) == [PAID_OUT, PAID_OUT, AVAILABLE]
    assert deposits(city) == [987_000, 4_905_000, 4_983_500]

    city.to_cutoff()
    city.accepted(Close(WALLET, CNY), WALLET)
    assert city.cycle(3).rolled_over == (RolledOver(SOUTH, 2, 30_000, 24_000, 1),)
    assert reserves(city) == (137_000, 6_000, 61_500)
    assert money(city)[1] == (0, 16_439, 0, 0)
    evening(city)


def first_cycle(city: City) -> None:
    city.to_cutoff()
    city.accepted(Close("", CNY), "operator")
    cycle = city.cycle(1)
    assert cycle.rolled_over == (RolledOver(SOUTH, 1, 95_000, 34_500, 1),)
    assert cycle.settled == (Through(BANK, 1), Through(WALLET, 1))
    assert cycle.legs == (NetLeg(BANK, -30_000), NetLeg(SOUTH, 40_500), NetLeg(WALLET, -10_500))
    assert (cycle.gross_minor, cycle.settled_minor, cycle.moved_minor) == (135_500, 40_500, 40_500)
    assert reserves(city) == (65_000, 60_500, 44_500)


def late_reserve(city: City) -> bytes:
    city.accepted(FundReserve(SOUTH, CNY, 30_000, "late"), "central_bank")
    city.refused(Resolve(SOUTH, CNY), SOUTH, NOTHING_RESOLVED)
    p7 = city.bought("gil", "BOOKS", 6_000)
    city.accepted(FundReserve(SOUTH, CNY, 4_500, "later"), "central_bank")
    assert (city.cycle(2).kind, city.cycle(2).moved_minor) == (RESOLUTION, 95_000)
    assert reserves(city) == (135_000, 0, 69_500)
    assert (city.owed(WALLET, SOUTH), city.batch(SOUTH).number, city.batch(WALLET).number) == (6_000, 2, 2)
    return p7


def payouts_and_late_refunds(city: City, p2: bytes, p5: bytes) -> None:
    city.accepted(RequestPayout("TEAHOUSE", CNY, 79_000), "TEAHOUSE.till")
    assert city.money("TEAHOUSE") == (0, 696, 79_000, 0)
    city.accepted(ConfirmPayout("TEAHOUSE", CNY, 1, "EB-0001"), BANK)
    city.accepted(RequestPayout("BOOKS", CNY, 40_348), "BOOKS.owner")
    city.accepted(FailPayout("BOOKS", CNY, 1, "account unknown"), SOUTH)
    city.accepted(RequestPayout("BOOKS", CNY, 40_000), "BOOKS.owner")
    assert states(city, p2) == [REQUESTED]
    city.refused(Refund(p2, 30_000, "R2", ""), "BOOKS.owner", NOT_ENOUGH_AVAILABLE)
    city.accepted(FailPayout("BOOKS", CNY, 2, "account unknown"), SOUTH)
    city.accepted(Refund(p2, 30_000, "R2", ""), "BOOKS.owner")
    assert city.owed(SOUTH, BANK) == 30_000
    city.accepted(Refund(p5, 2_000, "R3", ""), "NOODLES.till")


def evening(city: City) -> None:
    """
    Fees at the end: the acquirer's and the network's parts of what was not given back.
    eastbank  p1 30 + 8, p3 213 + 53                     acquirer 243, network 61
    southbank p2 0 (all back), p4 38 of 76 left, p7 18 + 5:  p4 acquirer 61 - 30 = 31, network 15 - 8 = 7
                                                         acquirer 49, network 12
    westpay   p5 15 + 4 less 6 + 2, p6 76 + 19           acquirer 85, network 21
    """
    assert [city.fees(bank, bank) for bank in (BANK, SOUTH, WALLET)] == [243, 49, 85]
    assert [city.fees(NETWORK_HOLDER, bank) for bank in (BANK, SOUTH, WALLET)] == [61, 12, 21]
    # What is left on the ledger is what was issued less the one payout that left it.
    shops = sum(city.deposit(shop) for shop in SHOPS)
    fees = 243 + 49 + 85 + 61 + 12 + 21
    assert sum(deposits(city)) + shops + fees == 1_000_000 + 5_000_000 + 5_000_000 - 79_000
