"""A process of the pilot that does not start is told by its own last words, in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.errors import UserFacingError
from chainpos.node.home import Home
from chainpos.pilot.network import PilotFolder
from chainpos.pilot.processes import start


@pytest.fixture
def paths(tmp_path: Path) -> PilotFolder:
    made = PilotFolder(tmp_path / "pilot")
    made.prepare("HF01")
    return made


async def started(home: Home, log: Path) -> str:
    with pytest.raises(UserFacingError) as refused:
        await start("validator", ("-m", "chainpos.node.run", str(home.folder)), log=log)
    return refused.value.sentence()


async def test_a_missing_chain_is_said_in_one_sentence(
    paths: PilotFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths.validator.database.unlink()
    said = await started(paths.validator, tmp_path / "log")
    assert said.startswith("The pilot's validator did not start: there is no chain database at ")
    assert ".db. No money moved. Its log is " in said
    assert "Unknown child process" not in caplog.text


async def test_wrong_settings_are_said_without_a_traceback(paths: PilotFolder, tmp_path: Path) -> None:
    paths.validator.settings.write_text('mode = "boss"\n')
    said = await started(paths.validator, tmp_path / "log")
    assert "are not right" in said
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert "chainpos.errors" not in said
