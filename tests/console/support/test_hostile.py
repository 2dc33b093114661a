"""What came from outside cannot draw, act or crash on support's screens either, whatever the inspector let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.console.screens.case_file import CaseScreen
from chainpos.core.values.amount import Amount
from chainpos.inspect.absence import Absence
from chainpos.inspect.case_open import Checked, Opened
from chainpos.inspect.changeable import Changeable
from chainpos.inspect.lookups import Card
from chainpos.inspect.search import MAX_HITS, Answer, Hit
from chainpos.inspect.source import Span
from chainpos.inspect.steps import RecordWrite, Step, Trace
from chainpos.inspect.support import SupportDesk, Thing
from chainpos.inspect.timeline import Moment, Timeline
from chainpos.inspect.views import TransactionRow
from tests.console.looking import key_in
from tests.console.looking_into import ask, looking_into, press
from tests.console.screens.test_hostile_text import CORPUS, TOGETHER, assert_harmless

KINDS = ("call", "check", "read", "write", "delete", "posting", "event", "undo", "refusal", "result")


class PoisonedDesk(SupportDesk):
    """Every word of every answer is the text."""

    def __init__(self, text: str) -> None:
        super().__init__(lambda _: (_ for _ in ()).throw(RuntimeError), text)
        self.text = text

    async def span(self) -> Span:
        return Span(1, 9)

    async def search(self, text: str, limit: int = MAX_HITS) -> Answer:  # noqa: ARG002
        t = self.text
        hits = [
            Hit(kind=kind, name=t, summary=t, height=5, index=0, time_ns=1, code=503) for kind in ("transaction", t)
        ]
        absence = Absence(kind=t, height=5, code=503, detail=t, sentence_en=t, sentence_zh=t)
        return Answer(text=t, height=5, hits=tuple(hits), absences=(absence,))

    async def card(self, thing: Thing, at: int = 0) -> Card | None:  # noqa: ARG002
        t = self.text
        row = TransactionRow(hash=t, height=5, index=0, kind=t, code=503, summary=t, amount=Amount(5, "CNY"))
        return Card(
            kind=t, name=t, height=5, parts=((t, ((t, t), ("merchant", t), ("result", t))),), transactions=(row,)
        )

    async def timeline(self, word: str) -> Timeline:  # noqa: ARG002
        t = self.text
        moment = Moment(stage=t, time_ns=1, source=t, evidence=t, height=5, index=0, detail=t, code=503)
        absence = Absence(kind=t, height=5, detail=t, sentence_en=t, sentence_zh=t)
        return Timeline(
            reference=t, merchant=t, request_id=t, height=5, moments=(moment,), absences=(absence,), money=t
        )  # fmt: skip

    async def trace(self, height: int, index: int) -> Trace:
        t = self.text
        steps = tuple(
            Step(
                index=at, depth=at, kind=kind, what=t, where=t, function=t, outcome="failed" if at % 2 else "passed",
                code=503, condition=t, detail="0" if kind == "undo" else t, key=t, before=((t, t),),
                after=((t, t + "x"),), fields=((t, t),),
            )
            for at, kind in enumerate((*KINDS, t))
        )  # fmt: skip
        write = RecordWrite(t, b"k", b"a", b"b", ((t, t),), ((t, t + "x"),))
        return Trace(
            chain_id=t, height=height, index=index, hash=t, time_ns=1, kind=t, signer=t, message=((t, t),), code=503,
            name=t, detail=t, data=b"", gas=1, steps=steps, writes=(write,), refused_at=1, reproduces=False,
        )  # fmt: skip

    async def changeable(self, trace: Trace) -> tuple[Changeable, ...]:  # noqa: ARG002
        t = self.text
        return (Changeable(group=t, name=t, value=t, place=t, path=(t,), currency=t, choices=(t,)),)

    async def open_case(self, path: Path) -> Opened:  # noqa: ARG002
        return Opened(checks=(Checked(self.text, False, self.text),))


@pytest.mark.parametrize(
    "text",
    [
        *(pytest.param(TOGETHER[name], id=name) for name in ("controls",)),
        *(pytest.param(TOGETHER[name], id=name, marks=pytest.mark.slow) for name in ("markup", "widths", "huge")),
        *(
            pytest.param(CORPUS[name], id=f"only {name}", marks=pytest.mark.slow)
            for name in ("click", "bidi", "nothing")
        ),
    ],
)
async def test_hostile_text_harms_none_of_supports_screens(text: str, tmp_path: Path) -> None:
    language = "zh" if len(text) % 2 else "en"
    async with looking_into(PoisonedDesk(text), tmp_path, language=language) as (app, pilot):
        await ask(pilot, "x")
        assert_harmless(app, (80, 24))
        for keys in (("enter",), ("escape", "t"), ("escape", "s"), ("p",), ("p",), ("p",), ("x",), ("escape", "w")):
            await press(pilot, *keys)
            assert_harmless(app, (80, 24))
        await press(pilot, "enter")
        assert_harmless(app, (80, 24))
        await key_in(pilot, "escape", "escape", "escape")
        app.push_screen(CaseScreen(tmp_path / "x.zip"))
        await press(pilot, "j")
        assert_harmless(app, (80, 24))
        for row in range(2, 22, 5):
            await pilot.click(offset=(20, row))
        assert app.is_running
