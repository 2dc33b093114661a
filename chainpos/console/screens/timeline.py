"""What became of a payment, in the order of time: each stage, its source, its evidence; and what is not there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from textual import on
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from chainpos.console.cells import wrap
from chainpos.console.context import texts_of
from chainpos.console.phrases import Tone, day_and_clock
from chainpos.console.screens.card import open_thing
from chainpos.console.screens.looking import About, Looking, named_refusal, texts_for
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule
from chainpos.inspect.support import Thing
from chainpos.inspect.timeline import Moment, Timeline
from chainpos.inspect.verdict import deciding_moment, is_given_back, verdict_of, verdict_told
from chainpos.inspect.words import words_in

COLUMNS: Final = (
    Column("timeline.time", 19),
    Column("timeline.stage", 17),
    Column("timeline.source", 8, from_width=70),
    Column("timeline.detail", 0),
    Column("timeline.evidence", 40, from_width=130),
)
_TONES: Final[dict[str, Tone]] = {
    "paid": "good", "paid_out": "good", "confirmed": "good", "cleared": "good", "refused": "bad",
    "payout_failed": "bad",
    "refunded": "warn", "cancelled": "warn", "expired": "warn",
}  # fmt: skip
_VERDICTS: Final = {
    "paid": "$good-text", "refunded": "$warn-text", "done": "$good-text", "unknown": "$warn-text", "none": "$bad-text",
}  # fmt: skip


class Verdict(LinesPanel):
    """What a customer asks first: did money move?"""

    timeline: reactive[Timeline | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """One line, before all the rest."""
        texts = texts_of(self)
        if self.timeline is None:
            return []
        key, _ = verdict_of(self.timeline)
        return [line(verdict_told(self.timeline, texts.language), f"{_VERDICTS[key]} bold", width=width)]


class Story(LinesPanel):
    """Whose payment it is and where its money is; what is absent; and the whole of the moment under the cursor."""

    timeline: reactive[Timeline | None] = reactive(None, layout=True)
    moment: reactive[Moment | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """The moment first: it changes with the cursor."""
        texts, story = texts_of(self), self.timeline
        if story is None:
            return []
        lines: list[Content] = []
        if self.moment is not None:
            words = words_in(texts.language)
            evidence = texts("timeline.see", evidence=words.told(self.moment.evidence))
            told = f"{words.told(self.moment.detail)} {evidence}".strip()
            lines += [line(each, "$muted") for each in wrap(told, width)[:3]]
        money = "given_back" if is_given_back(story) else story.money
        state = texts.known(f"money_state.{money}", money or "—")
        told = texts("timeline.money", reference=story.reference or "—", merchant=story.merchant or "—", money=state)
        lines += [rule(texts("timeline.as_of", height=f"{story.height:,}"), width), line(told, "bold", width=width)]
        for absence in story.absences[:4]:
            word = texts_for(self, "absence", absence.kind)
            moment = story.refused(absence)
            which = (
                ""
                if moment is None
                else named_refusal(texts, moment.height, moment.index, moment.detail.partition(":")[0])
            )
            rows = wrap(f"○ {word} · {which}{texts.either(absence.sentence_en, absence.sentence_zh)}", width)
            lines += [line(each, "$warn-text" if not at else "") for at, each in enumerate(rows)]
        return lines


class TimelineScreen(Looking):
    """`word` names the payment; `story` is handed over where it is known already, as out of a case file."""

    def __init__(self, word: str, story: Timeline | None = None) -> None:
        super().__init__()
        self.word, self.story = word, story

    def heading(self) -> str:
        """The timeline of what."""
        named = self.story.reference if self.story and self.story.reference else self.word[:16]
        return self.console_app.texts("timeline.of", name=named)

    def inside(self) -> Iterable[Widget]:
        """Whether money moved, the moments, then the rest."""
        self.moments: LineList[Moment] = LineList(COLUMNS, self._cells, lambda moment: moment, id="moments")
        yield Verdict(id="verdict")
        yield self.moments
        yield Story(id="story")

    def on_mount(self) -> None:
        """Read it, unless it was handed over."""
        super().on_mount()
        self.moments.focus()
        if self.story is None:
            self.asking(self._read, "timeline")
        else:
            self._show(self.story)

    async def _read(self) -> None:
        self._show(await self.desk.timeline(self.word))

    def _show(self, story: Timeline) -> None:
        self.story = story
        self.query_one("#story", Story).timeline = self.query_one("#verdict", Verdict).timeline = story
        self.moments.show(story.moments, empty=lambda: self.console_app.texts("timeline.nothing"))
        # What can be asked of the transaction that decides it is then on the key line.
        self.moments.cursor = deciding_moment(story)
        self._follow_trail()
        self.refresh_bindings()

    def _cells(self, moment: Moment) -> Sequence[Cell]:
        words = words_in(self.console_app.texts.language)
        told, evidence = words.told(moment.detail), words.told(moment.evidence)
        detail = f"{moment.code} {told}" if moment.code else told
        return (
            (day_and_clock(moment.time_ns, self.zone), "muted"),
            (words.stage(moment.stage), _TONES.get(moment.stage, "")),
            (texts_for(self, "timeline_source", moment.source), "muted"),
            (detail or evidence, ""),
            (evidence, "muted"),
        )

    @on(LineList.Moved, "#moments")
    def moved(self) -> None:
        """The whole of the moment."""
        self.query_one("#story", Story).moment = self.moments.present
        self.refresh_bindings()

    @on(LineList.Chosen, "#moments")
    def chosen(self) -> None:
        """Where its evidence is: the transaction, or the block."""
        moment = self.moments.present
        if moment is None or not moment.height or not self.desk.has_chain:
            return
        name = moment.evidence.partition(" ")[2]
        kind = "transaction" if moment.index >= 0 else "block"
        open_thing(self, Thing(kind, name if moment.index >= 0 else str(moment.height), moment.height, moment.index))

    def about(self) -> About:
        """The payment, and the moment's transaction."""
        moment = self.moments.present
        if self.story is None:
            return About()
        word = self.story.request_id or self.word
        if moment is None:
            return About(word=word)
        code = str(moment.code) if moment.code else ""
        return About(word=word, height=moment.height, index=moment.index, code=code)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """This is the timeline."""
        return action != "timeline" and super().check_action(action, parameters)
