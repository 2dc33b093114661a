"""The money is looked at again and again beside the work; what does not add up is an alarm until it does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

import pytest

from chainpos.core.contracts.balances.records import ACCOUNTS, Account, account_key, customer_account
from chainpos.core.contracts.context import Violation
from chainpos.errors import StoreError
from chainpos.node import money_watch
from chainpos.node.money_watch import MoneyWatch, broken_invariants
from chainpos.store.chain import ChainReader
from tests.core.blocks import genesis_records
from tests.core.contracts.conftest import BANK, CNY, key_of
from tests.node.conftest import Clerk, until


def test_money_from_nowhere_is_found() -> None:
    values = dict(genesis_records())
    assert broken_invariants(values) == []
    key = ACCOUNTS.full_key(account_key(customer_account(key_of("alice").address, BANK), CNY))
    values[key] = ACCOUNTS.encode(Account(ACCOUNTS.decode(values[key]).balance_minor + 1))
    assert [each.invariant for each in broken_invariants(values)] == ["postings_sum_to_zero"]


async def test_the_committed_records_are_looked_at(tmp_path: Path) -> None:
    clerk, heard = Clerk(tmp_path), list[list[Violation]]()
    clerk.make(clerk.issue())
    times_ns = iter((1_000_000_000, 3_500_000_000))
    assert await MoneyWatch(clerk.database, lambda: next(times_ns), heard.append).look() == 2.5
    assert heard == [[]]
    clerk.ledger.close()


async def test_it_looks_again_and_again_and_what_cannot_be_read_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(money_watch, "LEAST_REST_S", 0.01)
    clerk, heard = Clerk(tmp_path), list[list[Violation]]()
    answers: Iterator[StoreError | dict[bytes, bytes]] = chain([StoreError("gone")], repeat(genesis_records()))

    def load(_: ChainReader) -> dict[bytes, bytes]:
        answer = next(answers)
        if isinstance(answer, StoreError):
            raise answer
        return answer

    monkeypatch.setattr(ChainReader, "load_records", load)
    looking = asyncio.create_task(MoneyWatch(clerk.database, time.monotonic_ns, heard.append).run())

    async def looked_twice() -> bool:
        return len(heard) >= 2

    await until(looked_twice)
    looking.cancel()
    clerk.ledger.close()
    assert heard[:2] == [[], []]
