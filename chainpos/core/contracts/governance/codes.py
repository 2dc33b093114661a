"""Why governance refuses; numbers 1001 to 1099."""

from __future__ import annotations

from typing import Final

from chainpos.errors import Code

MISSING_ROLE: Final = Code(
    1001, "missing_role",
    "The signer does not hold the role that this needs.", "签名人不具备此操作所需的角色。",
    "Have it signed by the office that holds the role.", "请由具备该角色的机构签名办理。",
)  # fmt: skip

CODES: Final = (MISSING_ROLE,)
