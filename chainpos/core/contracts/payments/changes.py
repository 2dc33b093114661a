"""What governance decides of payments: how late, and up to how much, a code is taken that a till accepted offline.

It refuses, as a change that cannot be, a window that would outlast the memory of spent codes, and a currency twice.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.contracts.context import Change, Context
from chainpos.core.contracts.dated import followed
from chainpos.core.contracts.payments.records import (
    MAX_OFFLINE_STEPS,
    MAX_WINDOW_S,
    OFFLINE_CODES,
    ONLY,
    OfflineCap,
    OfflineSchedule,
    OfflineStep,
)
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.timestamps import MAX_TIME_S
from chainpos.errors import MalformedBytes

OFFLINE_CODES_CHANGED: Final = "payments.offline_codes_changed"


class SetOfflineCodes(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change "payments.offline_codes": from `effective_from_s` on, a customer's code that a till accepted within the
    code's minute is taken up to `window_s` seconds after that, up to 12 hours, if its amount is within the caps.

    No caps, or a window of 0, end it.
    """

    effective_from_s: int
    window_s: int
    caps: tuple[OfflineCap, ...]


def set_offline_codes(ctx: Context, change: SetOfflineCodes) -> None:
    """These bounds hold from that second on. Raises MalformedBytes."""
    currencies = [cap.currency for cap in change.caps]
    if len(set(currencies)) != len(currencies) or not all(currency in CURRENCIES for currency in currencies):
        raise MalformedBytes("a currency twice, or an unknown one")
    if not all(0 <= cap.payment_minor <= MAX_MINOR for cap in change.caps):
        raise MalformedBytes("a cap that cannot be")
    if not 0 <= change.window_s <= MAX_WINDOW_S:
        raise MalformedBytes("a window that cannot be")
    steps = (ctx.get(OFFLINE_CODES, ONLY) or OfflineSchedule()).steps
    if change.effective_from_s > MAX_TIME_S or (steps and steps[-1].effective_from_s >= change.effective_from_s):
        raise MalformedBytes("a date that does not follow the last one scheduled")
    step = OfflineStep(change.effective_from_s, change.window_s, change.caps)
    begun = sum([each.effective_from_s <= ctx.block.time_s for each in steps])
    ctx.put(OFFLINE_CODES, ONLY, OfflineSchedule(followed(steps, step, begun=begun, at_most=MAX_OFFLINE_STEPS)))
    ctx.emit(OFFLINE_CODES_CHANGED, effective_from_s=change.effective_from_s, window_s=change.window_s)


def _from_s(change: SetOfflineCodes) -> int:
    return change.effective_from_s


CHANGES: Final = (Change("payments.offline_codes", SetOfflineCodes, set_offline_codes, _from_s),)
