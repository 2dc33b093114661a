"""At a start, the latest alerts and freezes come out of the records, however many there are."""

from __future__ import annotations

import apsw
import msgspec

from chainpos.core.contracts.compliance.records import ALERTS, FREEZES, Alert, Freeze
from chainpos.node.compliance_watch import MOST, Watched
from chainpos.store.chain import ChainReader
from tests.node.conftest import Clerk

OLD = 1_500


def test_the_latest_alerts_are_told_wherever_their_accounts_stand_among_the_keys(clerk: Clerk) -> None:
    alert = Alert("velocity", "CNY", 0, 3, 300, 0, 1, bytes(32))
    # The newest belong to the accounts with the last keys.
    alerts = [
        (ALERTS.full_key(number.to_bytes(20, "big")), ALERTS.encode(msgspec.structs.replace(alert, time_s=number)))
        for number in range(OLD)
    ]
    freeze = FREEZES.encode(Freeze("ORDER-7", OLD, OLD + 9, bytes(32), OLD + 9))
    clerk.ledger.close()
    with apsw.Connection(str(clerk.database)) as planted:
        planted.executemany("INSERT INTO records VALUES (?, ?)", [*alerts, (FREEZES.full_key(b"mSHOP"), freeze)])
    with ChainReader.open(clerk.database) as reader:
        rows = Watched(reader).rows
    assert [(row.kind, row.subject) for row in rows] == [
        ("frozen", "SHOP"),
        *(("alert", (OLD - back).to_bytes(20, "big").hex()) for back in range(1, MOST)),
    ]
    assert [(row.name, row.height) for row in rows[:2]] == [("ORDER-7", 0), ("velocity", 1)]
