"""A proposed rule over recorded payments: what it would have told or stopped, before anyone votes on it.

It reads every payment on record and changes nothing. It refuses figures that are no limit and no rule.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.contracts.compliance.preview import PaidFact, TrialLimits, would_alert, would_stop
from chainpos.core.contracts.compliance.records import AlertRule
from chainpos.core.contracts.customers.records import CUSTOMERS
from chainpos.core.contracts.network import NETWORK
from chainpos.core.contracts.payments.records import PAYMENTS
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.text import clean
from chainpos.inspect.source import ChainSource

SHOWN: Final = 100


class Hit(msgspec.Struct, frozen=True):
    """A payment that the rule would have told of, or the limit refused; `over_minor` of a limit, `count` of a rule."""

    payment: str
    time_s: int
    account: str
    amount_minor: int
    why: str
    over_minor: int = 0
    count: int = 0
    total_minor: int = 0


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What it comes to. `hits` are the first ones; amounts in minor units of `currency`."""

    rule: str
    currency: str
    height: int
    payments: int
    payments_minor: int
    stopped: int
    stopped_minor: int
    alerts: int
    accounts: int
    hits: tuple[Hit, ...]


def preview_limits(
    source: ChainSource, currency: str, *, single_minor: int | None, daily_minor: int | None, tier: str = ""
) -> Preview:
    """Limits for all accounts, or for those that are now in a tier. Raises UserFacingError, StoreError."""
    facts, height, utc_offset_s = _facts(source, currency, tier)
    limits = TrialLimits(currency, single_minor, daily_minor)
    stops = list(would_stop(limits, facts, utc_offset_s=utc_offset_s))
    hits = tuple(_hit(stop.fact, stop.limit, over_minor=stop.over_minor) for stop in stops)
    named = f"{tier or 'every account'}: single {single_minor}, daily {daily_minor}"
    return _preview(named, currency, height, facts, hits, stopped=True)


def preview_alert(source: ChainSource, rule: AlertRule) -> Preview:
    """What an alert rule would have told; it stops nothing. Raises UserFacingError, StoreError."""
    facts, height, _ = _facts(source, rule.currency, "")
    alerts = list(would_alert((rule,), facts))
    hits = tuple(_hit(each.fact, each.rule, count=each.payments, total_minor=each.total_minor) for each in alerts)
    return _preview(clean(rule.name), rule.currency, height, facts, hits, stopped=False)


def trial_rule(currency: str, *, window_s: int, count: int, total_minor: int, at_least: int, at_most: int) -> AlertRule:
    """An alert rule that nobody has proposed yet."""
    return AlertRule("proposed", currency, window_s, at_least, at_most or MAX_MINOR, count, total_minor)


def _facts(source: ChainSource, currency: str, tier: str) -> tuple[list[PaidFact], int, int]:
    height = source.span().tip
    records = source.records_at(height)
    in_tier = {
        key[len(CUSTOMERS.prefix) :]
        for key, value in records.items()
        if key.startswith(CUSTOMERS.prefix) and tier in ("", CUSTOMERS.decode(value).tier)
    }
    paid = (
        (key[len(PAYMENTS.prefix) :], PAYMENTS.decode(value))
        for key, value in records.items()
        if key.startswith(PAYMENTS.prefix)
    )
    facts = [
        (payment.height, PaidFact(payment_id, payment.time_s, payment.payer, payment.currency, payment.paid_minor))
        for payment_id, payment in paid
        if payment.currency == currency and payment.payer in in_tier
    ]
    network = NETWORK.decode(records[NETWORK.full_key(b"")])
    return [fact for _, fact in sorted(facts)], height, network.utc_offset_s


def _hit(fact: PaidFact, why: str, *, over_minor: int = 0, count: int = 0, total_minor: int = 0) -> Hit:
    return Hit(
        fact.payment_id.hex(), fact.time_s, fact.account.hex(), fact.amount_minor, why, over_minor, count, total_minor
    )


def _preview(
    rule: str, currency: str, height: int, facts: list[PaidFact], hits: tuple[Hit, ...], *, stopped: bool
) -> Preview:
    return Preview(
        rule=rule,
        currency=currency,
        height=height,
        payments=len(facts),
        payments_minor=sum(fact.amount_minor for fact in facts),
        stopped=len(hits) if stopped else 0,
        stopped_minor=sum(hit.amount_minor for hit in hits) if stopped else 0,
        alerts=0 if stopped else len(hits),
        accounts=len({hit.account for hit in hits}),
        hits=hits[:SHOWN],
    )
