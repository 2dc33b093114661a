"""What is watched for from the first block on. Nothing is frozen at genesis."""

from __future__ import annotations

from typing import Any

import msgspec

from chainpos.core.contracts.compliance.changes import check_rules
from chainpos.core.contracts.compliance.records import ALERT_RULES, ONLY, AlertRule, AlertSchedule, AlertStep
from chainpos.core.contracts.context import Context, decode_section, genesis_row
from chainpos.core.values.amount import MAX_MINOR


class _AlertRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    currency: str
    window_s: int
    at_least_minor: int = 0
    at_most_minor: int = MAX_MINOR
    count: int = 0
    total_minor: int = 0


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alert_rules: tuple[_AlertRule, ...] = ()


def load_genesis(ctx: Context, section: Any) -> None:
    """Writes the alert rules, where there are any."""
    rules = tuple(
        AlertRule(
            row.name, row.currency, row.window_s, row.at_least_minor, row.at_most_minor, row.count, row.total_minor
        )
        for row in decode_section(section, _Section).alert_rules
    )
    if rules:
        with genesis_row("alert_rules"):
            check_rules(ctx, rules)
        ctx.put(ALERT_RULES, ONLY, AlertSchedule((AlertStep(ctx.block.time_s, rules),)))
