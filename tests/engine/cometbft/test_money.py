"""The application's process looks at its money beside the blocks, and an operator is told of what does not add up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import apsw
import pytest

from chainpos.core.chain.genesis import dump_genesis
from chainpos.core.contracts.balances.records import ACCOUNTS, Account, account_key, customer_account
from chainpos.engine.cometbft import messages as abci
from chainpos.engine.cometbft.queries import ALARMS_PATH, MAX_ALARMS, decode_alarms, encode_alarms
from chainpos.errors import MalformedBytes
from chainpos.inspect.generic_node import told_by_application
from chainpos.node import money_watch
from chainpos.node.application import run_application
from chainpos.node.home import Home
from chainpos.node.watching import MONEY_BROKEN
from chainpos.rpc.backend import AlarmReport, QueryAnswer
from chainpos.rpc.client import RpcClient, RpcError
from tests.core.contracts.conftest import BANK, CNY, key_of
from tests.engine.cometbft.conftest import Bench
from tests.engine.cometbft.test_server import Client
from tests.node.conftest import until

ALICE = ACCOUNTS.full_key(account_key(customer_account(key_of("alice").address, BANK), CNY))


def set_balance(database: Path, minor: int) -> int:
    """Behind the application's back; the balance before."""
    connection = apsw.Connection(str(database))
    with connection:
        value = connection.execute("SELECT value FROM records WHERE key = ?", (ALICE,)).get
        connection.execute("UPDATE records SET value = ? WHERE key = ?", (ACCOUNTS.encode(Account(minor)), ALICE))
    connection.close()
    return ACCOUNTS.decode(value).balance_minor


async def test_money_from_nowhere_is_an_alarm_until_it_is_gone(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(money_watch, "LEAST_REST_S", 0.01)
    monkeypatch.setattr(money_watch, "REST_FACTOR", 1)
    home, stop = Home(tmp_path / "home"), asyncio.Event()
    home.genesis.parent.mkdir(parents=True)
    home.genesis.write_bytes(dump_genesis(bench.doc))
    ready: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        run_application(home.folder, f"unix://{tmp_path}/a.sock", ready=ready.set_result, stop=stop)
    )
    client = await Client.connect(str((await ready)["abci"]))

    async def told() -> tuple[AlarmReport, ...]:
        client.send(abci.QueryRequest(path=ALARMS_PATH))
        return decode_alarms((await client.receive()).value)

    async def silent() -> bool:
        return not await told()

    async def alarmed() -> bool:
        return not await silent()

    assert await silent()
    right = set_balance(home.application, 7)
    await until(alarmed)
    (first,) = await told()
    assert first.code == MONEY_BROKEN
    assert first.detail.startswith("postings_sum_to_zero")
    set_balance(home.application, 8)
    set_balance(home.application, right)
    await until(silent)
    assert caplog.text.count("the money does not add up") == 1
    await client.close()
    stop.set()
    await running


def test_what_a_node_says_of_alarms_is_bounded_and_read_with_care() -> None:
    many = [AlarmReport(MONEY_BROKEN, str(number)) for number in range(MAX_ALARMS + 5)]
    assert decode_alarms(encode_alarms(many)) == tuple(many[:MAX_ALARMS])
    for junk in (b"", b"{}", b'[{"code": 7}]', b"\xff"):
        with pytest.raises(MalformedBytes):
            decode_alarms(junk)


class Answering:
    """A node that answers every query so."""

    def __init__(self, answer: QueryAnswer | RpcError) -> None:
        self._answer = answer

    async def abci_query(self, path: str, key: bytes) -> QueryAnswer:
        assert (path, key) == (ALARMS_PATH, b"")
        if isinstance(self._answer, RpcError):
            raise self._answer
        return self._answer


ALARM = AlarmReport(MONEY_BROKEN, "postings_sum_to_zero: CNY", 5)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (QueryAnswer(9, value=encode_alarms([ALARM])), (ALARM,)),
        (QueryAnswer(9, value=encode_alarms([ALARM]), code=1), ()),
        (QueryAnswer(9, value=b"another application's"), ()),
        (RpcError(-32_603, "internal"), ()),
    ],
)
async def test_the_operators_console_takes_them_up_and_another_application_has_none(
    answer: QueryAnswer | RpcError, told: tuple[AlarmReport, ...]
) -> None:
    assert await told_by_application(cast("RpcClient", Answering(answer))) == told
