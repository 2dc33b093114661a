"""Amounts that a message, a record or a refusal tells in bare minor units, as amounts of the currency they are in.

It refuses to guess: where the run or the ledger does not name the currency, the number stays as it is. What is told so
is for people; what a case file holds and proves stays as the run told it.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from chainpos.core.contracts.balances.codes import INSUFFICIENT_FUNDS
from chainpos.core.contracts.payments.codes import OVER_OFFLINE_CAP, OVER_TILL_LIMIT, OVERPAID, UNDERPAID
from chainpos.core.contracts.payments.records import PAYMENTS
from chainpos.core.contracts.refunds.codes import EXCEEDS_PAYMENT
from chainpos.core.contracts.refunds.records import REFUNDS
from chainpos.core.contracts.settlement.codes import NOT_ENOUGH_AVAILABLE
from chainpos.inspect.fields import Fields, amount_text, in_currency
from chainpos.inspect.steps import READ, Step, Trace

# How each of these refusals tells its amounts: in minor units of the currency that the message is about.
_TOLD: Final[dict[int, re.Pattern[str]]] = {
    EXCEEDS_PAYMENT.number: re.compile(r"\d+(?= left$)"),
    NOT_ENOUGH_AVAILABLE.number: re.compile(r"(?<=^lacks )\d+$|(?<=^of )\d+$"),
    INSUFFICIENT_FUNDS.number: re.compile(r"(?<= lacks )\d+$"),
    UNDERPAID.number: re.compile(r"\d+(?= due$)"),
    OVERPAID.number: re.compile(r"\d+(?= due$)"),
    OVER_TILL_LIMIT.number: re.compile(r"\d+(?= at most$)"),
    OVER_OFFLINE_CAP.number: re.compile(r"\d+(?= at most$)"),
}


def detail_in(code: int, detail: str, currency: str) -> str:
    """What a refusal adds to its code: "lacks 13.07 CNY"."""
    pattern = _TOLD.get(code)
    return detail if pattern is None else pattern.sub(lambda found: amount_text(int(found[0]), currency), detail)


def currency_of_message(fields: Fields) -> str:
    """The currency that a message or its request names; "" where it names none."""
    return next((value for name, value in fields if name.rpartition(".")[2] == "currency"), "")


def trace_told(trace: Trace) -> Trace:
    """A trace for reading: a refund's amounts, and those of refusals, in the currency that the run was about."""
    currency = currency_of_message(trace.message) or _paid_in(trace)
    if not currency:
        return trace
    steps = tuple(_step(step, trace.code, currency) for step in trace.steps)
    writes = tuple(
        msgspec.structs.replace(
            each,
            fields_before=_record(each.name, each.fields_before, currency),
            fields_after=_record(each.name, each.fields_after, currency),
        )
        for each in trace.writes
    )
    return msgspec.structs.replace(
        trace,
        message=in_currency(trace.message, currency),
        detail=detail_in(trace.code, trace.detail, currency),
        steps=steps,
        writes=writes,
    )


def _paid_in(trace: Trace) -> str:
    """The currency of the payment that the run was about."""
    read = (step for step in trace.steps if step.kind == READ and step.what == PAYMENTS.name and step.before)
    return next((dict(step.before or ()).get("currency", "") for step in read), "")


def _step(step: Step, code: int, currency: str) -> Step:
    return msgspec.structs.replace(
        step,
        before=_record(step.key, step.before, currency),
        after=_record(step.key, step.after, currency),
        detail=detail_in(code, step.detail, currency),
    )


def _record(name: str, fields: Fields | None, currency: str) -> Fields | None:
    """A refund's record names no currency; it has its payment's. Other records may be of several."""
    return in_currency(fields, currency) if fields and name.partition(" ")[0] == REFUNDS.name else fields
