"""What governance decides of compliance: which payments are watched for, from a second on.

It refuses rules that count nothing, that share a name, or whose bounds cannot be.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from chainpos.core.contracts.balances import port as balances
from chainpos.core.contracts.compliance import codes
from chainpos.core.contracts.compliance.events import ALERT_RULES_CHANGED
from chainpos.core.contracts.compliance.records import (
    ALERT_RULES,
    MAX_ALERT_RULES,
    MAX_ALERT_STEPS,
    ONLY,
    AlertRule,
    AlertSchedule,
    AlertStep,
)
from chainpos.core.contracts.context import Change, Context
from chainpos.core.contracts.dated import followed
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.timestamps import DAY_S, MAX_TIME_S

MAX_WINDOW_S: Final = 31 * DAY_S
MAX_COUNT: Final = 1_000_000
_NAME: Final = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)


class SetAlertRules(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "compliance.alert_rules": these, and no others, are watched from `effective_from_s` on; at most 16."""

    effective_from_s: int
    rules: tuple[AlertRule, ...]


def set_alert_rules(ctx: Context, change: SetAlertRules) -> None:
    """What accounts pay is counted by these rules from that second on."""
    ctx.require(change.effective_from_s <= MAX_TIME_S, codes.BAD_ALERT_RULE, "date")
    check_rules(ctx, change.rules)
    steps = (ctx.get(ALERT_RULES, ONLY) or AlertSchedule()).steps
    is_later = not steps or steps[-1].effective_from_s < change.effective_from_s
    ctx.require(is_later, codes.ALERT_RULES_NOT_LATER)
    step = AlertStep(change.effective_from_s, change.rules)
    begun = sum([each.effective_from_s <= ctx.block.time_s for each in steps])
    kept = followed(steps, step, begun=begun, at_most=MAX_ALERT_STEPS)
    ctx.put(ALERT_RULES, ONLY, AlertSchedule(kept))
    names = ",".join(rule.name for rule in change.rules)
    ctx.emit(ALERT_RULES_CHANGED, effective_from_s=change.effective_from_s, rules=names)


def check_rules(ctx: Context, rules: tuple[AlertRule, ...]) -> None:
    """Raises Rejected: BAD_ALERT_RULE, UNKNOWN_CURRENCY."""
    names = [rule.name for rule in rules]
    ctx.require(len(rules) <= MAX_ALERT_RULES and len(set(names)) == len(names), codes.BAD_ALERT_RULE)
    for rule in rules:
        ctx.require(_NAME.fullmatch(rule.name) is not None, codes.BAD_ALERT_RULE, "name")
        balances.require_currency(ctx, rule.currency)
        ctx.require(0 < rule.window_s <= MAX_WINDOW_S, codes.BAD_ALERT_RULE, "window")
        is_ordered = 0 <= rule.at_least_minor <= rule.at_most_minor <= MAX_MINOR
        ctx.require(is_ordered, codes.BAD_ALERT_RULE, "bounds")
        ctx.require(0 <= rule.count <= MAX_COUNT and 0 <= rule.total_minor <= MAX_MINOR, codes.BAD_ALERT_RULE, "sums")
        ctx.require(rule.count > 0 or rule.total_minor > 0, codes.BAD_ALERT_RULE, "counts nothing")


def _from_s(change: SetAlertRules) -> int:
    return change.effective_from_s


CHANGES: Final = (Change("compliance.alert_rules", SetAlertRules, set_alert_rules, _from_s),)
