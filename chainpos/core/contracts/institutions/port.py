"""What institutions offer: who acts for one, their names, how much one may owe. It refuses unknown names and keys."""

from __future__ import annotations

from chainpos.core.contracts.context import Context
from chainpos.core.contracts.institutions import codes
from chainpos.core.contracts.institutions.records import (
    ACTIVE,
    DIRECTORY,
    DIRECTORY_KEY,
    INSTITUTIONS,
    Institution,
    institution_key,
)
from chainpos.errors import Rejected


def found(ctx: Context, institution: str) -> Institution:
    """The institution's record. Raises Rejected(UNKNOWN_INSTITUTION)."""
    return ctx.found(ctx.get(INSTITUTIONS, institution_key(institution)), codes.UNKNOWN_INSTITUTION)


def require_signer(ctx: Context, institution: str, public_key: bytes) -> None:
    """Raises Rejected: UNKNOWN_INSTITUTION, NOT_INSTITUTION_KEY, INSTITUTION_SUSPENDED."""
    record = found(ctx, institution)
    ctx.require(record.key == public_key, codes.NOT_INSTITUTION_KEY)
    ctx.require(record.status == ACTIVE, codes.INSTITUTION_SUSPENDED)


def is_signer(ctx: Context, institution: str, public_key: bytes) -> bool:
    """Whether the key acts for the institution and it is in good standing. Raises Rejected(UNKNOWN_INSTITUTION)."""
    record = found(ctx, institution)
    return record.key == public_key and record.status == ACTIVE


def require_active(ctx: Context, institution: str) -> None:
    """Raises Rejected: UNKNOWN_INSTITUTION, INSTITUTION_SUSPENDED."""
    record = ctx.views[INSTITUTIONS][institution_key(institution)]
    if record is None or record.status != ACTIVE:
        raise Rejected(codes.UNKNOWN_INSTITUTION if record is None else codes.INSTITUTION_SUSPENDED, institution)


def require_known(ctx: Context, institution: str) -> None:
    """Raises Rejected(UNKNOWN_INSTITUTION)."""
    found(ctx, institution)


def all_institutions(ctx: Context) -> tuple[str, ...]:
    """Their names, ascending."""
    directory = ctx.get(DIRECTORY, DIRECTORY_KEY)
    return () if directory is None else directory.institutions


def net_debit_cap(ctx: Context, institution: str, currency: str) -> int:
    """How much it may owe all others together, in minor units; 0 where none was set. Raises UNKNOWN_INSTITUTION."""
    record = ctx.views[INSTITUTIONS][institution_key(institution)]
    if record is None:
        raise Rejected(codes.UNKNOWN_INSTITUTION)
    for cap in record.debit_caps:
        if cap.currency == currency:
            return cap.cap_minor
    return 0
