"""Limits and accounts that exist from the first block on.

It refuses limits that do not hold from the first block, that do not ascend by date, or that name a currency twice;
accounts go through the checks of their rule but for the signature.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

import msgspec

from chainpos.core.contracts.balances import port as balances
from chainpos.core.contracts.context import Context, HexHash, HexKey, decode_section, genesis_row
from chainpos.core.contracts.customers import rules
from chainpos.core.contracts.customers.changes import require_lowest_static
from chainpos.core.contracts.customers.messages import Open
from chainpos.core.contracts.customers.records import (
    CODE_CLASSES,
    MAX_RECOVERY_S,
    MAX_STEPS,
    MIN_RECOVERY_S,
    ONLY,
    RECOVERY_TIMES,
    TIERS,
    ClassCap,
    ClassSchedule,
    ClassStep,
    RecoverySchedule,
    RecoveryStep,
    TierLimits,
    TierSchedule,
    TierStep,
)
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.timestamps import MAX_TIME_S

_Minor = Annotated[int, msgspec.Meta(ge=0, le=MAX_MINOR)] | None
_Seconds = Annotated[int, msgspec.Meta(ge=0, le=MAX_TIME_S)]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,16}\Z")]
_ClassName = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]\Z")]


class _TierLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: str
    single_minor: _Minor
    daily_minor: _Minor
    balance_minor: _Minor


class _TierStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    effective_from_s: _Seconds
    limits: tuple[_TierLimits, ...]


class _Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tier: _Name
    steps: tuple[_TierStep, ...]


class _ClassCap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: str
    daily_minor: _Minor


class _ClassStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    effective_from_s: _Seconds
    caps: tuple[_ClassCap, ...]


class _Class(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code_class: _ClassName
    steps: tuple[_ClassStep, ...]


class _Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: HexKey
    institution: str
    tier: str
    code_class: str
    attestation: HexHash


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tiers: tuple[_Tier, ...] = ()
    code_classes: tuple[_Class, ...] = ()
    accounts: tuple[_Account, ...] = ()
    # How long a recovery waits; records.RECOVERY_S where it is not named.
    recovery_s: Annotated[int, msgspec.Meta(ge=MIN_RECOVERY_S, le=MAX_RECOVERY_S)] | None = None


def load_genesis(ctx: Context, section: Any) -> None:
    """Writes limits, then accounts."""
    read = decode_section(section, _Section)
    for index, tier in enumerate(read.tiers):
        with genesis_row(f"tiers[{index}]"):
            _add_tier(ctx, tier)
    for index, row in enumerate(read.code_classes):
        with genesis_row(f"code_classes[{index}]"):
            _add_class(ctx, row)
    with genesis_row("code_classes"):
        for row in read.code_classes[:1]:
            steps = ctx.get(CODE_CLASSES, row.code_class.encode())
            require_lowest_static(ctx, row.code_class, () if steps is None else steps.steps)
    if read.recovery_s is not None:
        ctx.put(RECOVERY_TIMES, ONLY, RecoverySchedule((RecoveryStep(0, read.recovery_s),)))
    for index, account in enumerate(read.accounts):
        with genesis_row(f"accounts[{index}]"):
            ctx.ports.institutions.require_known(ctx, account.institution)
            key, attestation = bytes.fromhex(account.key), bytes.fromhex(account.attestation)
            rules.add(ctx, Open(account.institution, key, account.tier, account.code_class, attestation))


def _add_tier(ctx: Context, tier: _Tier) -> None:
    key = tier.tier.encode()
    _check(ctx, tier.tier, ctx.get(TIERS, key) is None, [step.effective_from_s for step in tier.steps])
    steps = []
    for step in tier.steps:
        _check_currencies(ctx, tier.tier, [row.currency for row in step.limits])
        rows = tuple(TierLimits(r.currency, r.single_minor, r.daily_minor, r.balance_minor) for r in step.limits)
        steps.append(TierStep(step.effective_from_s, rows))
    ctx.put(TIERS, key, TierSchedule(tuple(steps)))


def _add_class(ctx: Context, row: _Class) -> None:
    key = row.code_class.encode()
    _check(ctx, row.code_class, ctx.get(CODE_CLASSES, key) is None, [step.effective_from_s for step in row.steps])
    steps = []
    for step in row.steps:
        _check_currencies(ctx, row.code_class, [cap.currency for cap in step.caps])
        steps.append(ClassStep(step.effective_from_s, tuple(ClassCap(c.currency, c.daily_minor) for c in step.caps)))
    ctx.put(CODE_CLASSES, key, ClassSchedule(tuple(steps)))


def _check(ctx: Context, name: str, is_new: bool, seconds: list[int]) -> None:  # noqa: FBT001 - one rung of the check
    if not is_new:
        raise ValueError(f"{name} is given twice")
    if not 1 <= len(seconds) <= MAX_STEPS or seconds[0] > ctx.block.time_s:
        raise ValueError(f"{name} has no limits at genesis, or more than {MAX_STEPS} steps")
    if any(later <= earlier for earlier, later in pairwise(seconds)):
        raise ValueError(f"the steps of {name} do not ascend by date")


def _check_currencies(ctx: Context, name: str, currencies: list[str]) -> None:
    for currency in currencies:
        balances.require_currency(ctx, currency)
    if len(set(currencies)) != len(currencies):
        raise ValueError(f"a step of {name} names a currency twice")
