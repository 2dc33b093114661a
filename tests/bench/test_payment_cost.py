"""What one payment costs the executor, as a ratio to one signature verification in the same run.

From the decoded message to its events: signatures, the commitment and storage are others' cost. A run counts only if
the ceiling, taken before and after, stood still. All are made in a process of its own: what earlier tests left in
memory costs a payment more than a verification.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median
from time import process_time_ns
from typing import Final

import pytest

from chainpos.core.chain.signatures import verify
from chainpos.core.contracts import registry
from chainpos.core.contracts.context import BlockFacts, Context
from chainpos.core.contracts.payments.messages import Pay, pay_signatures
from chainpos.core.contracts.payments.rules import pay
from chainpos.core.state.journal import Journal
from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import SECOND_NS
from tests.core.contracts.city import City
from tests.core.contracts.conftest import CHAIN_ID, key_of
from tests.measured import hold

pytestmark = pytest.mark.bench
PAYMENTS = 200
VERIFICATIONS = 100
RUNS = 100
ENOUGH_RUNS = 5
DRIFT = 0.10
TARGET = 0.5
# One median of a few is enough: what else runs on the machine only ever adds.
TRIES = 5
# 0.38 % of them is less than half a minor unit, and more: two legs to post, or four.
WITHOUT_FEE_MINOR = 100
WITH_FEE_MINOR = 1_000


def verification_ns() -> float:
    """One ZIP-215 verification of 200 bytes, in nanoseconds of CPU."""
    key, message = key_of("bench"), b"m" * 200
    signature = key.sign(message)
    begun = process_time_ns()
    for _ in range(VERIFICATIONS):
        verify(key.public, message, signature)
    return (process_time_ns() - begun) / VERIFICATIONS


def execution_ns(city: City, messages: list[tuple[Pay, str]]) -> float:
    """One payment, in a block of PAYMENTS that one journal holds; its signatures were listed before, as always."""
    journal = Journal(city.state)
    facts = BlockFacts(CHAIN_ID, city.height + 1, city.time_s * SECOND_NS, bytes(20))
    work = []
    for number, (message, payer) in enumerate(messages):
        pay_signatures(CHAIN_ID, message)
        body_hash = sha256(b"%d" % number)
        signer = key_of(payer).public
        ctx = Context(journal, facts, registry.PORTS, signer=signer, tx_hash=b"", body_hash=body_hash)
        work.append((ctx, message))
    begun = process_time_ns()
    for ctx, message in work:
        pay(ctx, message)
    spent = process_time_ns() - begun
    assert all(len(ctx.events) >= 2 for ctx, _ in work)
    return spent / len(work)


def ratios_of(measure: Callable[[], float]) -> list[float]:
    """One ratio for each run whose ceiling stood still, and was nearly the best of all runs, ascending; or none."""
    runs: list[tuple[float, float]] = []
    gc.disable()
    try:
        for _ in range(RUNS):
            before = verification_ns()
            cost = measure()
            after = verification_ns()
            if abs(before - after) <= DRIFT * before:
                runs.append(((before + after) / 2, cost))
    finally:
        gc.enable()
    # A neighbour on the same core costs memory-bound code more than it costs a verification: it shows in the ceiling.
    best = min((ceiling for ceiling, _ in runs), default=0)
    ratios = [cost / ceiling for ceiling, cost in runs if ceiling <= (1 + DRIFT) * best]
    return sorted(ratios) if len(ratios) >= ENOUGH_RUNS else []


WAYS: Final = {
    "within one institution": ("TEAHOUSE", ("alice", "carol")),
    "netted": ("BOOKS", ("alice", "gil")),
    "instant": ("NOODLES", ("carol", "fay")),
}


def ratios_alone(how: str, amount_minor: int) -> list[float]:
    """The ratios of such a payment; for a process of its own."""
    merchant, payers = WAYS[how]
    city = City()
    messages = [(city.sale(merchant, amount_minor).pay(), payers[n % len(payers)]) for n in range(PAYMENTS)]
    return ratios_of(lambda: execution_ns(city, messages))


def median_ratio(how: str, amount_minor: int, what: str) -> float:
    """The cost of one such payment, in verifications; said with its spread."""
    found: list[float] = []
    for _ in range(TRIES):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            # A try on a machine that did not hold still takes back nothing that an earlier one found.
            found = alone.submit(ratios_alone, how, amount_minor).result() or found
        if found and median(found) <= TARGET:
            break
    if not found:
        pytest.skip("the machine did not hold still")
    ratio = median(found)
    print(
        f"\n{what}, {how}: {ratio:.2f} of one ZIP-215 verification in the median of {len(found)} runs,"
        f" {found[0]:.2f} to {found[-1]:.2f}"
    )
    return ratio


@pytest.mark.parametrize("how", WAYS)
def test_a_payment_costs_at_most_half_a_verification(how: str) -> None:
    hold(median_ratio(how, WITHOUT_FEE_MINOR, "payments.pay"), TARGET, "of one verification")


@pytest.mark.parametrize("how", WAYS)
def test_so_does_a_payment_with_a_fee_though_it_changes_two_accounts_more(how: str) -> None:
    hold(median_ratio(how, WITH_FEE_MINOR, "payments.pay with a fee"), TARGET, "of one verification")
