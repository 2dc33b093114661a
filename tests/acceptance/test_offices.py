"""The demo with its offices: governance, an alert, a freeze, payouts sent and returned, all by signed transactions.

Then the files that a bank makes of that day, out of the shop's own node.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.core.contracts.compliance.records import ALERTS, FREEZES
from chainpos.core.contracts.customers.records import CUSTOMERS
from chainpos.core.contracts.merchants.records import MERCHANTS
from chainpos.core.contracts.settlement.records import CYCLES, PAYOUTS
from chainpos.errors import UserFacingError
from chainpos.inspect.source import StoreSource, open_home
from chainpos.pilot.network import PilotFolder
from chainpos.pilot.trial import find_cometbft
from tests.acceptance.conftest import Shell, require_whole_and_alike

PAYMENTS = 4


@pytest.mark.parametrize(
    "engine",
    [pytest.param("embedded", marks=pytest.mark.slow), pytest.param("cometbft", marks=pytest.mark.cometbft)],
)
def test_the_offices_do_once_what_a_network_has_them_for_and_the_audit_stays_exact(
    shell: Shell, tmp_path: Path, engine: str
) -> None:
    if engine == "cometbft":
        try:
            shell.environment["CHAINPOS_COMETBFT"] = str(find_cometbft())
        except UserFacingError as error:
            pytest.skip(error.what)
    folder = tmp_path / "kept"
    told = shell.run(
        "demo", "--headless", "--offices", "--payments", str(PAYMENTS), "--engine", engine, "--json", "--folder", folder
    )
    assert (told.code, told.err) == (0, ""), told.out
    report = told.json
    assert (report["invariants"], report["refused"], len(report["payments"])) == ("ok", [], PAYMENTS)
    assert set(report["city"]) == {"governance", "alert", "frozen", "payout_confirmed", "payout_failed"}
    settled = report["settlement"]
    assert settled["payouts"] == ["paid_out", "failed"]
    assert settled["payout_requested_minor"] == settled["pending_minor"] == 0
    assert 0 < settled["paid_out_minor"] <= settled["available_minor"]
    paths = PilotFolder(folder)
    if engine == "embedded":
        require_whole_and_alike(paths)
    with open_home(paths.peer.folder) as source:
        _require_on_the_ledger(source)
        number = max(cycle for cycle in range(1, 100) if source.record_at(_cycle(cycle), source.span().tip))
    _require_bank_files(shell, paths, number)


def _cycle(number: int) -> bytes:
    return CYCLES.full_key(b"CNY/" + number.to_bytes(4, "big"))


def _require_on_the_ledger(source: StoreSource) -> None:
    tip = source.span().tip
    records = source.records_at(tip)
    customers = [CUSTOMERS.decode(value) for key, value in records.items() if key.startswith(CUSTOMERS.prefix)]
    assert {customer.tier for customer in customers} == {"phone_only", "tier_1", "tier_2", "tier_3"}
    assert {customer.code_class for customer in customers} == {"A", "B", "C"}
    shops = [MERCHANTS.decode(value) for key, value in records.items() if key.startswith(MERCHANTS.prefix)]
    assert {shop.settlement_mode for shop in shops} == {"instant", "netted"}
    alerts = [ALERTS.decode(value) for key, value in records.items() if key.startswith(ALERTS.prefix)]
    assert [(alert.rule, alert.count) for alert in alerts] == [("four_in_ten_minutes", 4)]
    freezes = [FREEZES.decode(value) for key, value in records.items() if key.startswith(FREEZES.prefix)]
    assert all(freeze.agreed_by for freeze in freezes)
    refused = [
        result.log
        for height in range(1, tip + 1)
        if (found := source.found(height)) is not None
        for result in found.results
        if result.code
    ]
    # The clearing desk asks every second, and now and then in the block that closes a cycle.
    assert refused.count("frozen_account") == 1
    assert set(refused) <= {"frozen_account", "before_cutoff", "nothing_to_settle"}
    payouts = [PAYOUTS.decode(value) for key, value in records.items() if key.startswith(PAYOUTS.prefix)]
    assert sorted(payout.state for payout in payouts) == ["failed", "failed", "paid_out", "paid_out"]
    assert {payout.reason for payout in payouts} == {"", "the bank account was closed"}


def _require_bank_files(shell: Shell, paths: PilotFolder, number: int) -> None:
    home = ("--home", paths.peer.folder)
    day = shell.run("statement", "--merchant", "HF01", "--day", "1999-01-01", *home)
    assert day.code == 2
    today = day.err.split("has the days ")[1][:10]
    for form, whose, more in (
        ("camt053", ("--merchant", "HF01"), ("--day", today)),
        ("csv", ("--merchant", "HF01"), ("--day", today)),
        ("camt053", ("--institution", "chaohubank"), ("--day", today)),
        ("pain001", ("--merchant", "HF01"), ("--day", today)),
        ("pacs004", ("--merchant", "HF01"), ("--day", today)),
        ("pacs009", (), ("--cycle", str(number))),
    ):
        made = shell.run("statement", *whose, *more, "--format", form, "--json", *home)
        assert made.code == 0, made.err
        assert made.json["records"] > 0
