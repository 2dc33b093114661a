"""What the validator's key refuses to sign, and what survives a crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainpos.core.chain.commit import vote_sign_bytes
from chainpos.core.chain.header import BlockId, PartSetHeader
from chainpos.core.chain.signatures import verify
from chainpos.engine.keys import SigningKey
from chainpos.engine.sign_state import Signer, SigningRefused, SignState, load_sign_state, save_sign_state
from chainpos.errors import StoreError, UserFacingError

KEY = SigningKey(bytes(range(32)))
CHAIN = "test-chain"
TIME_NS = 1_800_000_000_123_456_789


def block_id(byte: int) -> BlockId:
    return BlockId(bytes([byte]) * 32, PartSetHeader(1, bytes([byte]) * 32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "home" / "data" / "priv_validator_state.json"
    path.parent.mkdir(parents=True)
    save_sign_state(path, SignState())
    return path


@pytest.fixture
def signer(path: Path, tmp_path: Path) -> Iterator[Signer]:
    signer = Signer(KEY, path, lock_folder=tmp_path / "locks")
    yield signer
    signer.close()


def test_a_fresh_state_file_is_cometbfts(path: Path) -> None:
    assert json.loads(path.read_text()) == {"height": "0", "round": 0, "step": 0}


def test_a_precommit_verifies_and_is_on_disk_in_cometbfts_format(signer: Signer, path: Path) -> None:
    vote = signer.sign_precommit(CHAIN, 5, 0, block_id(1), TIME_NS)
    message = vote_sign_bytes(CHAIN, 5, 0, block_id(1), TIME_NS)
    assert verify(KEY.public_key, message, vote.signature)
    stored = json.loads(path.read_text())
    assert (stored["height"], stored["round"], stored["step"]) == ("5", 0, 3)
    assert stored["signbytes"] == message.hex().upper()
    assert load_sign_state(path).signature == vote.signature


def test_the_state_is_durable_before_the_signature_is_returned(
    signer: Signer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(handle: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="disk full"):
        signer.sign_precommit(CHAIN, 5, 0, block_id(1), TIME_NS)
    monkeypatch.undo()
    assert load_sign_state(path) == SignState() == signer.state
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


def test_another_block_at_the_same_height_and_round_is_refused(signer: Signer) -> None:
    signer.sign_precommit(CHAIN, 5, 0, block_id(1), TIME_NS)
    with pytest.raises(SigningRefused):
        signer.sign_precommit(CHAIN, 5, 0, block_id(2), TIME_NS)
    with pytest.raises(SigningRefused):
        signer.sign_precommit(CHAIN, 5, 0, block_id(1), TIME_NS + 1)


def test_the_same_vote_asked_again_gets_the_same_signature(signer: Signer) -> None:
    first = signer.sign_precommit(CHAIN, 5, 0, block_id(1), TIME_NS)
    assert signer.sign_precommit(CHAIN, 5, 0, block_id(1), TIME_NS) == first


def test_height_and_round_never_go_back(signer: Signer) -> None:
    signer.sign_precommit(CHAIN, 5, 1, block_id(1), TIME_NS)
    for height, round_ in ((4, 0), (4, 9), (5, 0)):
        with pytest.raises(SigningRefused):
            signer.sign_precommit(CHAIN, height, round_, block_id(2), TIME_NS)


def test_after_a_crash_between_signing_and_appending_the_next_round_is_signed(
    signer: Signer, path: Path, tmp_path: Path
) -> None:
    assert signer.next_round(5) == 0
    signer.sign_precommit(CHAIN, 5, 0, block_id(1), TIME_NS)
    signer.close()
    again = Signer(KEY, path, lock_folder=tmp_path / "locks")
    assert (again.next_round(5), again.next_round(6)) == (1, 0)
    again.sign_precommit(CHAIN, 5, 1, block_id(2), TIME_NS)
    again.close()


def test_two_signers_never_share_a_state_file(signer: Signer, path: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="in use"):
        Signer(KEY, path, lock_folder=tmp_path / "other")


def test_a_copy_of_the_key_in_another_home_is_refused_on_the_same_machine(signer: Signer, tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    save_sign_state(copy, SignState())
    with pytest.raises(StoreError, match="in use"):
        Signer(KEY, copy, lock_folder=tmp_path / "locks")


@pytest.mark.skipif(sys.platform == "win32", reason="there the temporary folder is the user's own")
def test_a_lock_that_somebody_else_could_take_away_is_none(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "locks").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserFacingError, match="not this user's own"):
        Signer(KEY, path, lock_folder=tmp_path / "locks")


def test_another_process_is_refused_until_the_first_dies(path: Path, tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from chainpos.engine.keys import SigningKey\n"
        "from chainpos.engine.sign_state import Signer\n"
        "signer = Signer(SigningKey(bytes(range(32))), Path(sys.argv[1]), lock_folder=Path(sys.argv[2]))\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(path), str(tmp_path / "locks")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match="in use"):
            Signer(KEY, path, lock_folder=tmp_path / "locks")
        other.kill()
    Signer(KEY, path, lock_folder=tmp_path / "locks").close()


@pytest.mark.parametrize(
    "content",
    ["", "{}", "nonsense", '{"height":"x","round":0,"step":0}', '{"height":"-1","round":0,"step":0}',
     '{"height":"1","round":0,"step":4}', '{"height":"1","round":0,"step":3,"signbytes":"zz"}'],
)  # fmt: skip
def test_a_damaged_state_is_refused_rather_than_begun_anew(path: Path, tmp_path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(UserFacingError):
        Signer(KEY, path, lock_folder=tmp_path / "locks")
    save_sign_state(path, SignState())
    Signer(KEY, path, lock_folder=tmp_path / "locks").close()


def test_a_missing_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError, match="cannot be read"):
        Signer(KEY, tmp_path / "absent.json", lock_folder=tmp_path / "locks")
