"""What must hold of roles."""

from __future__ import annotations

from chainpos.core.contracts.context import Scan, Violation
from chainpos.core.contracts.governance.records import ROLE_HOLDERS, ROLES
from chainpos.core.values.hashes import PUBLIC_KEY_BYTES


def roles_are_known(scan: Scan) -> list[Violation]:
    """Every role that is held exists, and is held by a key."""
    found = []
    for key, _ in scan.records(ROLE_HOLDERS):
        role, _, holder = key.partition(b"/")
        if role.decode(errors="replace") not in ROLES or len(holder) != PUBLIC_KEY_BYTES:
            found.append(Violation("roles_are_known", key.hex()))
    return found
