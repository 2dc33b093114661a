"""Genesis knows no payments: a network begins with none. It may say how late a code is taken that came in offline.

It refuses a section that names payments, and bounds that governance would refuse.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from chainpos.core.contracts.context import Context, decode_section, genesis_row
from chainpos.core.contracts.payments.changes import SetOfflineCodes, set_offline_codes
from chainpos.core.contracts.payments.records import OfflineCap
from chainpos.errors import MalformedBytes


class _Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    window_s: int
    payment_minor: dict[str, int]
    from_s: Annotated[int, msgspec.Meta(ge=0)] = 0


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    offline_codes: tuple[_Bounds, ...] = ()


def load_genesis(ctx: Context, section: Any) -> None:
    """Writes the bounds. Raises ValueError with the path of what is wrong."""
    for index, bounds in enumerate(decode_section(section, _Section).offline_codes):
        with genesis_row(f"offline_codes[{index}]"):
            caps = tuple(OfflineCap(currency, minor) for currency, minor in sorted(bounds.payment_minor.items()))
            try:
                set_offline_codes(ctx, SetOfflineCodes(bounds.from_s, bounds.window_s, caps))
            except MalformedBytes as error:
                raise ValueError(str(error)) from error
