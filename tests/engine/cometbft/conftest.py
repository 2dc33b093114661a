"""The application in this process, and networks of real CometBFT validators for the tests that carry the marker."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from chainpos.core.chain.genesis import GenesisDoc, GenesisValidator, dump_genesis
from chainpos.core.chain.params import DEFAULT
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.engine.cometbft import messages as abci
from chainpos.engine.cometbft.application import Application, create_application
from chainpos.engine.keys import SigningKey
from chainpos.errors import UserFacingError
from chainpos.pilot.trial import find_cometbft
from tests.core.contracts.conftest import CHAIN_ID, GENESIS_S, make_app_state

KEY = SigningKey(bytes(range(32)))


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = GENESIS_S

    def now_ns(self) -> int:
        return self.now_s * SECOND_NS


class Bench:
    """An application and what CometBFT would ask of it."""

    def __init__(self, folder: Path, *, initial_height: int = 1, snapshot_every: int = 0) -> None:
        validators = (GenesisValidator(KEY.public_key, 10),)
        state = json.dumps(make_app_state()).encode()
        self.doc = GenesisDoc(CHAIN_ID, GENESIS_S * SECOND_NS, initial_height, DEFAULT, validators, app_state=state)
        self.clock = SetClock()
        self.database = folder / "application.db"
        self.height = initial_height - 1
        self._snapshot_every = snapshot_every
        create_application(self.database, dump_genesis(self.doc))
        self.application = self._open()

    def reopen(self) -> None:
        """As after a crash: what was only in memory is gone."""
        self.application.close()
        self.application = self._open()

    def _open(self) -> Application:
        return Application.open(self.database, self.clock, snapshot_every=self._snapshot_every)

    def init_request(self) -> abci.InitChainRequest:
        return abci.InitChainRequest(
            self.doc.genesis_time_ns,
            self.doc.chain_id,
            self.doc.params.encode(),
            tuple(abci.ValidatorUpdate(abci.PublicKey(row.public_key), row.power) for row in self.doc.validators),
            self.doc.app_state,
            self.doc.initial_height,
        )

    def init(self) -> bytes:
        """The app hash that InitChain gives."""
        answer: abci.InitChainResponse = self.application.answer(self.init_request())
        return answer.app_hash

    def info(self) -> abci.InfoResponse:
        answer: abci.InfoResponse = self.application.answer(abci.InfoRequest("0.38.25"))
        return answer

    def finalize(self, *txs: bytes, height: int = 0) -> abci.FinalizeBlockResponse:
        request = abci.FinalizeBlockRequest(
            txs, height=height or self.height + 1, time_ns=self.clock.now_ns(), proposer_address=KEY.address
        )
        answer: abci.FinalizeBlockResponse = self.application.answer(request)
        return answer

    def commit(self) -> None:
        self.application.answer(abci.CommitRequest())
        self.height += 1

    def block(self, *txs: bytes) -> abci.FinalizeBlockResponse:
        answer = self.finalize(*txs)
        self.commit()
        return answer

    def check(self, wire: bytes, *, again: bool = False) -> abci.CheckTxResponse:
        answer: abci.CheckTxResponse = self.application.answer(abci.CheckTxRequest(wire, again))
        return answer

    def prepare(self, *txs: bytes, max_bytes: int = 1_000_000, age_s: int = 0) -> tuple[bytes, ...]:
        """What a proposal holds, whose block time is `age_s` old."""
        request = abci.PrepareProposalRequest(
            max_bytes, txs, height=self.height + 1, time_ns=self.clock.now_ns() - age_s * SECOND_NS
        )
        answer: abci.PrepareProposalResponse = self.application.answer(request)
        return answer.txs

    def process(self, *txs: bytes) -> abci.Verdict:
        request = abci.ProcessProposalRequest(txs, height=self.height + 1, time_ns=self.clock.now_ns())
        answer: abci.ProcessProposalResponse = self.application.answer(request)
        return answer.status

    def query(self, path: str, key: bytes, height: int = 0, *, prove: bool = False) -> abci.QueryResponse:
        answer: abci.QueryResponse = self.application.answer(abci.QueryRequest(key, path, height, prove))
        return answer


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.application.close()


@pytest.fixture(scope="session")
def cometbft() -> Path:
    """The program, or the reason why these tests are skipped."""
    try:
        return find_cometbft()
    except UserFacingError as error:
        pytest.skip(error.sentence())


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket in it."""
    made = Path(tempfile.mkdtemp(prefix="cb-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def same(values: Sequence[object]) -> bool:
    """Whether all are equal."""
    return all(value == values[0] for value in values)
