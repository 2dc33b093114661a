"""What must hold of freezes: each has a subject, an order and an end."""

from __future__ import annotations

from chainpos.core.contracts.compliance.records import FREEZES
from chainpos.core.contracts.context import Scan, Violation
from chainpos.core.contracts.ports import account_subject, merchant_subject
from chainpos.core.values.hashes import ADDRESS_BYTES

_ACCOUNT_BYTES = len(account_subject(b"")) + ADDRESS_BYTES


def freezes_have_an_order_and_an_end(scan: Scan) -> list[Violation]:
    """Every freeze names an account or a merchant, a legal reference, and an end after its beginning."""
    found = []
    for subject, freeze in scan.records(FREEZES):
        is_account = subject.startswith(account_subject(b"")) and len(subject) == _ACCOUNT_BYTES
        is_named = is_account or subject.startswith(merchant_subject(""))
        if not is_named or not freeze.legal_reference or freeze.until_s <= freeze.from_s:
            found.append(Violation("freezes_have_an_order_and_an_end", subject.hex()))
    return found
