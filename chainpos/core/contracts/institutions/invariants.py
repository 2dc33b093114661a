"""What must hold of institutions: the directory is their names, and every account that owes money is one's."""

from __future__ import annotations

from chainpos.core.contracts.balances.records import ACCOUNTS, parse_account, read_account_key
from chainpos.core.contracts.context import Scan, Violation
from chainpos.core.contracts.institutions.records import DIRECTORY, INSTITUTIONS, MAX_INSTITUTIONS


def directory_is_complete(scan: Scan) -> list[Violation]:
    """The directory lists every institution once, in ascending order, within its bound."""
    names = tuple(key.decode() for key, _ in scan.records(INSTITUTIONS))
    listed: tuple[str, ...] = ()
    for _, directory in scan.records(DIRECTORY):
        listed += directory.institutions
    if listed != names or len(listed) > MAX_INSTITUTIONS:
        return [Violation("directory_is_complete", f"listed {listed}, recorded {names}")]
    return []


def accounts_belong_to_institutions(scan: Scan) -> list[Violation]:
    """Every deposit, contra and reserve account names a registered institution."""
    names = {key.decode(): True for key, _ in scan.records(INSTITUTIONS)}
    found = []
    for key, _ in scan.records(ACCOUNTS):
        account = parse_account(read_account_key(key)[0])
        owner = account.holder if account.kind == "reserve" else account.institution
        if account.kind != "central_issued" and owner not in names:
            found.append(Violation("accounts_belong_to_institutions", key.decode()))
    return found
