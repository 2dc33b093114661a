"""What the offices have in hand, read from a database and over RPC alike, each with its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec
import pytest

from chainpos.core.contracts.compliance.changes import SetAlertRules
from chainpos.core.contracts.compliance.messages import Agree, Freeze
from chainpos.core.contracts.compliance.records import FREEZES, AlertRule
from chainpos.core.contracts.compliance.records import Freeze as OnRecord
from chainpos.core.contracts.customers.messages import StartRecovery
from chainpos.core.contracts.governance.changes import SetRole
from chainpos.core.contracts.governance.messages import Approve, Propose, Withdraw, change_hash
from chainpos.core.contracts.merchants.messages import StartOwnerRecovery
from chainpos.core.contracts.ports import account_subject, merchant_subject
from chainpos.core.contracts.possession import possession_bytes
from chainpos.core.values.timestamps import DAY_S, SECOND_NS
from chainpos.inspect.offices import NeedRow, read_offices
from chainpos.inspect.source import StoreSource
from chainpos.pilot.genesis import customer_key, institution_key, role_key
from chainpos.wallet.keys import demo_key
from tests.inspect.short_day import ShortDay

FROZEN, LOST = "C0001", "C0004"
NEW = demo_key("a new key")


class AsOverRpc(StoreSource):
    """The same chain, asked as a node is: it lists no records."""

    def records_under(self, prefix: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        del prefix, limit
        return []


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[ShortDay]:
    day = ShortDay(tmp_path / "chain.db")
    chain_id = day.hands._chain_id
    banks = {row.customer: row.institution for row in day.city.customers}
    frozen, lost = customer_key(FROZEN).address, customer_key(LOST).address
    role = msgspec.msgpack.encode(SetRole("city", NEW.public_key, is_held=True))
    until_s = day.now_s + 10 * DAY_S

    def proof(subject: bytes) -> bytes:
        return NEW.sign(possession_bytes(chain_id, subject))

    propose = [Propose("operator", "governance.role", role, title, day.now_s + DAY_S) for title in ("First", "Second")]
    day.block(*(day.sign(role_key("operator"), "governance.propose", each) for each in propose))
    day.block(day.sign(role_key("operator"), "governance.withdraw", Withdraw(1)))
    regulator, bank = role_key("regulator"), institution_key(banks[FROZEN])
    freeze = Freeze(account_subject(frozen), "Order 7", until_s)
    day.block(
        day.sign(regulator, "compliance.freeze", freeze),
        day.sign(regulator, "compliance.freeze", Freeze(merchant_subject("HF01"), "Order 8", until_s)),
    )
    day.block(day.sign(bank, "compliance.agree", Agree(freeze.subject, "Order 7")))
    start = StartRecovery(lost, NEW.public_key, proof(account_subject(lost)))
    shop = StartOwnerRecovery("HF02", NEW.public_key, proof(merchant_subject("HF02")))
    day.block(
        day.sign(institution_key(banks[LOST]), "customers.start_recovery", start),
        day.sign(institution_key("chaohubank"), "merchants.start_owner_recovery", shop),
    )
    yield day
    day.close()


@pytest.mark.parametrize("kind", [StoreSource, AsOverRpc])
def test_all_that_is_in_hand_is_told_with_its_end(busy: ShortDay, kind: type[StoreSource]) -> None:
    view = read_offices(kind(busy.source().reader, "short"))
    (proposal,) = view.proposals
    assert (proposal.number, proposal.title, proposal.kind) == (2, "Second", "governance.role")
    assert NeedRow("operator", 1, 1) in proposal.needs
    assert [need.approved for need in proposal.needs if need.role == "regulator"] == [0]
    freezes = {row.subject: row for row in view.freezes}
    agreed, alone = freezes[customer_key(FROZEN).address.hex()], freezes["HF01"]
    assert (agreed.legal_reference, agreed.is_agreed, alone.is_agreed) == ("Order 7", True, False)
    assert agreed.until_ns - alone.until_ns > 6 * DAY_S * SECOND_NS
    recoveries = {row.subject: row for row in view.recoveries}
    assert set(recoveries) == {customer_key(LOST).address.hex(), "HF02"}
    assert all(row.ready_ns - row.started_ns == 3 * DAY_S * SECOND_NS for row in view.recoveries)
    assert (view.alerts, view.time_ns // SECOND_NS) == ((), busy.now_s)


def test_what_has_run_out_is_not_in_hand_and_hides_nothing_however_much_it_is(busy: ShortDay) -> None:
    busy.now_s += 4 * DAY_S
    busy.block()
    ended = FREEZES.encode(OnRecord("Order 1", 1, 2, bytes(32), 2))
    old = [(FREEZES.full_key(account_subject(number.to_bytes(20, "big"))), ended) for number in range(200)]
    with apsw.Connection(str(busy.database)) as planted:
        planted.executemany("INSERT INTO records VALUES (?, ?)", old)
        planted.executemany("INSERT INTO history VALUES (?, 1, ?)", old)
    view = read_offices(busy.source())
    assert view.proposals == ()
    assert [row.legal_reference for row in view.freezes] == ["Order 7"]
    assert len(view.recoveries) == 2


def test_an_alert_is_told_with_its_rule_and_time(busy: ShortDay) -> None:
    rule = AlertRule("every", "CNY", 60, 0, 10**9, 1, 0)
    change = msgspec.msgpack.encode(SetAlertRules(busy.now_s + 60, (rule,)))
    kind = "compliance.alert_rules"
    propose = Propose("operator", kind, change, "Watch", busy.now_s + DAY_S)
    busy.block(busy.sign(role_key("operator"), "governance.propose", propose))
    approve = Approve(3, "regulator", change_hash(kind, change))
    busy.block(busy.sign(role_key("regulator"), "governance.approve", approve))
    busy.now_s += 60
    payer = next(row for row in busy.city.customers if row.customer not in (FROZEN, LOST))
    sale = busy.hands.request(busy.city.merchant("HF04"), 100, "R-1", busy.now_s)
    busy.block(busy.hands.pay(sale, payer, busy.now_s))
    view = read_offices(busy.source())
    account = customer_key(payer.customer).address.hex()
    assert [(row.rule, row.account, row.count) for row in view.alerts] == [("every", account, 1)]
    assert view.alerts[0].time_ns // SECOND_NS == busy.now_s
    assert [row.title for row in view.proposals] == ["Second"]
