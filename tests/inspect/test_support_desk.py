"""The desk answers from a thread; a fault of ours in an answer is told, and one in writing is not kept quiet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chainpos.errors import UserFacingError
from chainpos.inspect import support
from chainpos.inspect.source import StoreSource
from chainpos.inspect.support import SupportDesk


@pytest.fixture
def desk(day: StoreSource) -> SupportDesk:
    @contextmanager
    def opening(_: object) -> Iterator[StoreSource]:
        yield day

    return SupportDesk(opening, "day")


async def test_an_unforeseen_fault_in_an_answer_is_told_and_the_next_question_is_answered(
    desk: SupportDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(StoreSource, "span", lambda _: 1 // 0)
        with pytest.raises(UserFacingError, match=r"\(ZeroDivisionError\); nothing was changed"):
            await desk.span()
    assert (await desk.span()).tip == 1_200
    await desk.close()


async def test_a_fault_in_writing_a_case_file_is_not_told_as_if_nothing_had_changed(
    desk: SupportDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(support, "make_case", lambda *_, **__: b"a case")
    monkeypatch.setattr(support, "write_durably", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        await desk.write_case("XM13-00180", tmp_path / "a.case")
    monkeypatch.undo()
    await desk.close()
