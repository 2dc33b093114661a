"""What netting saves, through the ledger: random debts in two currencies, each netted by itself, told as it is."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainpos.core.contracts.ports import MerchantTerms
from chainpos.core.contracts.settlement.messages import Close
from chainpos.core.contracts.settlement.port import credit
from tests.core.contracts.city import BANKS, HKD, City
from tests.core.contracts.conftest import CNY, events_of

ACQUIRED = {"eastbank": "TEAHOUSE", "southbank": "BOOKS", "westpay": "NOODLES"}
PAIRS = [(debtor, creditor) for debtor in BANKS for creditor in BANKS if debtor != creditor]
debts = st.lists(
    st.tuples(st.sampled_from(PAIRS), st.sampled_from([CNY, HKD]), st.integers(1, 80_000)), min_size=1, max_size=12
)


def owe(city: City, owed: list[tuple[tuple[str, str], str, int]]) -> None:
    ctx = city.context()
    for (debtor, creditor), currency, minor in owed:
        terms = MerchantTerms(ACQUIRED[creditor], creditor, "standard", "netted")
        credit(ctx, terms, debtor, currency, minor, 0)
    city.commit(ctx)


def sums(owed: list[tuple[tuple[str, str], str, int]], currency: str) -> dict[str, tuple[int, int]]:
    """What each bank owes and is owed in a currency."""
    return {
        bank: (
            sum(minor for (debtor, _), named, minor in owed if debtor == bank and named == currency),
            sum(minor for (_, creditor), named, minor in owed if creditor == bank and named == currency),
        )
        for bank in BANKS
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(owed=debts)
def test_each_currency_is_netted_by_itself_and_tells_what_it_saved(
    owed: list[tuple[tuple[str, str], str, int]],
) -> None:
    city = City()
    owe(city, owed)
    city.to_cutoff()
    for currency in (CNY, HKD):
        expected = sums(owed, currency)
        gross = sum(owes for owes, _ in expected.values())
        if gross == 0:
            continue
        before = {bank: city.reserve(bank, currency) for bank in BANKS}
        result = city.run(Close("", currency), "operator")
        assert result.code == 0
        cycle = city.cycle(1, currency)
        assert cycle.gross_minor == gross == cycle.settled_minor + cycle.rolled_over_minor
        assert sum(leg.amount_minor for leg in cycle.legs) == 0
        moved = {bank: city.reserve(bank, currency) - before[bank] for bank in BANKS}
        assert moved == dict.fromkeys(BANKS, 0) | {leg.institution: leg.amount_minor for leg in cycle.legs}
        (told,) = events_of(result, "settlement.netted")
        assert told["saved_minor"] == str(cycle.saved_minor) == str(cycle.settled_minor - cycle.moved_minor)
        if not cycle.rolled_over:
            offsets = sum(min(owes, due) for owes, due in expected.values())
            assert cycle.saved_minor == offsets
            assert {bank: due - owes for bank, (owes, due) in expected.items() if due != owes} == {
                leg.institution: leg.amount_minor for leg in cycle.legs
            }


def test_a_ring_of_three_banks_saves_all_of_it() -> None:
    city = City()
    ring = list(zip(BANKS, (*BANKS[1:], BANKS[0]), strict=True))
    owe(city, [(pair, CNY, 70_000) for pair in ring])
    city.to_cutoff()
    city.run(Close("", CNY), "operator")
    assert (city.cycle(1).gross_minor, city.cycle(1).moved_minor, city.cycle(1).saved_minor) == (210_000, 0, 210_000)
