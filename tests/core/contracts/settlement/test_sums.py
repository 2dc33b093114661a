"""Sums over institutions stay within what a record can hold; else no node could write the block, and all would stop."""

from __future__ import annotations

from chainpos.core.contracts.balances.codes import BALANCE_OVERFLOW
from chainpos.core.contracts.institutions.records import MAX_INSTITUTIONS
from chainpos.core.contracts.settlement.messages import Close
from chainpos.core.contracts.settlement.records import MAX_OWED_MINOR
from chainpos.core.values.amount import MAX_MINOR
from tests.core.contracts.city import SOUTH, City, make_city
from tests.core.contracts.conftest import BANK, CNY, WALLET, genesis_values, institution, key_of

DEBTORS = {SOUTH: "fay", WALLET: "gil", "northbank": "hal", "hillbank": "ivy"}


def rich_city() -> City:
    """Four institutions that may owe, and whose customers have, as much as can be recorded; shops at a fifth."""
    state = make_city()
    rows = state["institutions"]["institutions"]
    rows += [institution(name, "bank", name, name) for name in ("northbank", "hillbank")]
    for row in rows:
        row["debit_caps"] = [{"currency": CNY, "cap_minor": MAX_MINOR}]
    accounts = state["customers"]["accounts"]
    accounts += [
        {**accounts[0], "key": key_of(name).public.hex(), "institution": bank}
        for bank, name in DEBTORS.items()
        if name in ("hal", "ivy")
    ]
    payers = {key_of(name).public.hex() for name in DEBTORS.values()}
    for account in accounts:
        account["tier"] = "tier_1" if account["key"] in payers else account["tier"]
    state["balances"]["issues"] = [
        {"institution": bank, "account": key_of(name).address.hex(), "currency": CNY, "amount_minor": MAX_MINOR}
        for bank, name in DEBTORS.items()
    ]
    first = state["merchants"]["merchants"][0]
    state["merchants"]["merchants"] = [
        {**first, "merchant": f"SHOP{n}", "tills": [{**first["tills"][0], "key": key_of(f"SHOP{n}.till").public.hex()}]}
        for n in range(len(DEBTORS))
    ]
    for shop in state["merchants"]["merchants"]:
        shop["tills"][0]["max_payment_minor"] = MAX_MINOR
    return City(genesis_values(state))


def test_no_more_is_owed_than_all_institutions_together_can_record() -> None:
    """Four times 2^63 - 1 would be due to one bank: no record holds that."""
    city = rich_city()
    assert MAX_OWED_MINOR * MAX_INSTITUTIONS <= MAX_MINOR
    for number, payer in enumerate(DEBTORS.values()):
        city.refused(city.sale(f"SHOP{number}", MAX_MINOR).pay(), payer, BALANCE_OVERFLOW)
        city.bought(payer, f"SHOP{number}", MAX_OWED_MINOR)
        city.refused(city.sale(f"SHOP{number}", 1).pay(), payer, BALANCE_OVERFLOW)
    assert city.batch(BANK).due_minor == 4 * MAX_OWED_MINOR
    city.to_cutoff()
    city.accepted(Close(BANK, CNY), BANK)
    assert city.cycle(1).gross_minor == 4 * MAX_OWED_MINOR
