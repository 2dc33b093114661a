"""A code that a till accepted without the network: taken late within what governance allows, and not beyond."""

from __future__ import annotations

import pytest

from chainpos.core.chain.envelope import MAX_LIFETIME_S
from chainpos.core.contracts.governance.codes import BAD_CHANGE, CHANGE_NOT_AHEAD
from chainpos.core.contracts.payments import codes
from chainpos.core.contracts.payments.changes import SetOfflineCodes
from chainpos.core.contracts.payments.messages import CODE_LIFE_S, Charge, charge_tokens
from chainpos.core.contracts.payments.records import MAX_WINDOW_S, OfflineCap
from chainpos.core.contracts.payments.rules import CLOCK_DRIFT_S
from chainpos.errors import Code
from tests.core.contracts.city import City
from tests.core.contracts.conftest import CNY, GENESIS_S
from tests.core.contracts.deciding import decided, undecidable

TILL = "TEAHOUSE.till"
BOUNDS = SetOfflineCodes(GENESIS_S + 60, 3_600, (OfflineCap(CNY, 10_000),))


@pytest.fixture
def allowing(city: City) -> City:
    decided(city, "payments.offline_codes", BOUNDS)
    city.advance(60)
    return city


def accepted(city: City, amount_minor: int = 10_000, *, age_s: int = 0, expires_s: int = 7_200) -> Charge:
    """A charge that the till signs now, of a code which is `age_s` old."""
    sale = city.sale("TEAHOUSE", amount_minor, expires_s=city.time_s + expires_s)
    return city.charge(sale, "carol", issued_s=city.time_s - age_s)


def test_without_a_word_of_governance_nothing_is_taken_late(city: City) -> None:
    charge = accepted(city)
    city.advance(61)
    city.refused(charge, TILL, codes.CODE_EXPIRED)


@pytest.mark.parametrize("late_s", [61, 3_600])
def test_what_was_accepted_in_its_minute_is_taken_while_the_window_lasts(allowing: City, late_s: int) -> None:
    charge = accepted(allowing)
    allowing.advance(late_s)
    allowing.accepted(charge, TILL)
    assert allowing.deposit("carol") == 4_990_000


def test_a_spent_code_is_remembered_longer_than_any_window(allowing: City) -> None:
    """Execution keeps a code's mark for so long from its first use, which is not before the code was issued."""
    assert CLOCK_DRIFT_S + CODE_LIFE_S + MAX_WINDOW_S < MAX_LIFETIME_S
    assert charge_tokens(accepted(allowing)) != charge_tokens(accepted(allowing))


@pytest.mark.parametrize(
    ("amount_minor", "age_s", "late_s", "code"),
    [
        (10_000, 0, 3_601, codes.CODE_EXPIRED),
        (10_000, 61, 1, codes.CODE_EXPIRED),
        (10_000, 3_000, 1, codes.CODE_EXPIRED),
        (10_000, -11, 100, codes.CODE_EXPIRED),
        (10_001, 0, 61, codes.OVER_OFFLINE_CAP),
    ],
)
def test_what_is_too_late_was_accepted_out_of_its_minute_or_is_too_much_is_refused(
    allowing: City, amount_minor: int, age_s: int, late_s: int, code: Code
) -> None:
    charge = accepted(allowing, amount_minor, age_s=age_s)
    allowing.advance(late_s)
    allowing.refused(charge, TILL, code)


def test_the_cap_is_of_late_charges_alone(allowing: City) -> None:
    allowing.accepted(accepted(allowing, 10_001), TILL)


def test_a_request_that_ended_meanwhile_is_not_paid_late(allowing: City) -> None:
    charge = accepted(allowing, expires_s=100)
    allowing.advance(100)
    allowing.refused(charge, TILL, codes.REQUEST_EXPIRED)


@pytest.mark.parametrize(
    "end", [SetOfflineCodes(GENESIS_S + 120, 0, BOUNDS.caps), SetOfflineCodes(GENESIS_S + 120, 9, ())]
)
def test_governance_ends_it_for_what_was_accepted_before_too(allowing: City, end: SetOfflineCodes) -> None:
    charge = accepted(allowing)
    decided(allowing, "payments.offline_codes", end)
    allowing.advance(61)
    allowing.refused(charge, TILL, codes.CODE_EXPIRED)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (SetOfflineCodes(GENESIS_S + 60, 43_201, ()), BAD_CHANGE),
        (SetOfflineCodes(GENESIS_S + 60, -1, ()), BAD_CHANGE),
        (SetOfflineCodes(GENESIS_S + 60, 60, (OfflineCap("XXX", 1),)), BAD_CHANGE),
        (SetOfflineCodes(GENESIS_S + 60, 60, (OfflineCap(CNY, 1), OfflineCap(CNY, 2))), BAD_CHANGE),
        (SetOfflineCodes(GENESIS_S + 60, 60, (OfflineCap(CNY, -1),)), BAD_CHANGE),
        (SetOfflineCodes(2**60, 60, ()), BAD_CHANGE),
        (SetOfflineCodes(GENESIS_S, 60, ()), CHANGE_NOT_AHEAD),
    ],
)
def test_bounds_that_cannot_be_are_refused(city: City, change: SetOfflineCodes, code: Code) -> None:
    undecidable(city, "payments.offline_codes", change, code)


def test_a_later_date_stands(allowing: City) -> None:
    decided(allowing, "payments.offline_codes", SetOfflineCodes(GENESIS_S + 300, 60, ()))
    undecidable(allowing, "payments.offline_codes", SetOfflineCodes(GENESIS_S + 200, 60, ()), BAD_CHANGE)
