"""What one step did, in the field's terms: a record before and after, a check and its line, what was done so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import fit, width_of, wrap
from chainpos.console.context import texts_of
from chainpos.console.stepping import Field, Stepped, check_before, fields_of, is_refusal, so_far
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule
from chainpos.inspect.fields import Fields
from chainpos.inspect.steps import CHECK, DELETE, EVENT, POSTING, READ, WRITE, Step, Trace
from chainpos.inspect.words import Words, words_in

PANES: Final = ("step", "so_far", "message", "end")
SIDE_BY_SIDE: Final = 56


def in_words(field: Field, words: Words) -> Field:
    """A field of a record with its word, and its values in words."""
    before, after = words.value(field.name, field.before), words.value(field.name, field.after)
    return Field(words.field(field.name), before, after, field.changed)


class StepPane(LinesPanel):
    """`which` of PANES it shows; high screens show what was done so far below the step as well."""

    trace: reactive[Trace | None] = reactive(None, layout=True)
    rows: reactive[tuple[Stepped, ...]] = reactive((), layout=True)
    at: reactive[int] = reactive(0, layout=True)
    which: reactive[str] = reactive("step", layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """The pane's title is the way to the next one."""
        if self.trace is None or not 0 <= self.at < len(self.rows):
            return []
        row = self.rows[self.at]
        if self.which == "so_far":
            return self._so_far(width)
        if self.which == "message":
            return [self._title("message", width), *self._fields(self.trace.message, width)]
        if self.which == "end":
            return self._end(self.trace, width)
        lines = self._step(row, width)
        if self.screen.has_class("-wide") or self.screen.has_class("-high"):
            lines += [Content(), *self._so_far(width)]
        return lines

    def _title(self, pane: str, width: int) -> Content:
        texts = texts_of(self)
        hypothetical = f"≈ {texts('trace.hypothetical_short')} · " if self.trace and self.trace.hypothetical else ""
        return rule(f"{hypothetical}{texts(f'trace.pane_{pane}')}", width)

    # -- the step

    def _step(self, row: Stepped, width: int) -> list[Content]:
        texts, step = texts_of(self), row.step
        words = words_in(texts.language)
        lines = [self._title("step", width)]
        if row.mark == "gone":
            lines.append(line(texts("trace.gone"), "$warn-text bold", width=width))
        kind = words.step(step.kind)
        where = f"{step.function} · {step.where}" if step.function else step.where
        lines.append(
            Content.assemble(line(f"{kind} ", "bold"), line(where, "$muted", width=width - width_of(kind) - 1))
        )
        if step.kind == CHECK:
            lines += self._check(step, width)
        elif is_refusal(step):
            told = f"✗ {step.code} {words.check(step.what)} {step.detail}"
            lines += [line(each, "$bad-text bold") for each in wrap(told, width)]
            asked = check_before(self.rows, self.at)
            if asked is not None:
                lines += [
                    line(f"  {each}") for each in wrap(f"{words.told(asked.condition)} ({asked.where})", width - 2)
                ]
        elif step.kind in (READ, WRITE, DELETE):
            lines += self._record(step, width)
        else:
            what = words.event(step.what) if step.kind == EVENT else words.outcome(step.what)
            lines += [line(each) for each in wrap(f"{what} {step.detail}", width)]
        lines += self._fields(step.fields, width, accounts=step.kind == POSTING)
        if row.mark == "other" and row.other is not None:
            lines += self._other(row.other, width)
        return lines

    def _check(self, step: Step, width: int) -> list[Content]:
        texts = texts_of(self)
        words = words_in(texts.language)
        refused = is_refusal(step)
        ended = texts("trace.check_failed" if refused else "trace.check_passed", code=words.check(step.what))
        mark, style = ("✗", "$bad-text bold") if refused else ("✓", "$good-text")
        return [
            *(line(each, style) for each in wrap(f"{mark} {ended}", width)),
            *(line(f"  {each}") for each in wrap(words.told(step.condition), width - 2)),
            *(line(f"  {each}", "$muted") for each in wrap(step.detail, width - 2)),
        ]

    def _record(self, step: Step, width: int) -> list[Content]:
        texts = texts_of(self)
        key = words_in(texts.language).record(step.key)
        lines = [line(each, "bold") for each in wrap(key, width)[:2]]
        if step.kind == READ:
            if step.before is None:
                return [*lines, line(texts("trace.no_record"), "$muted")]
            return [*lines, *self._fields(step.before, width)]
        return [*lines, *self._changed(step.before, step.after, width)]

    def _changed(self, before: Fields | None, after: Fields | None, width: int) -> list[Content]:
        """Before and after beside each other where there is room; what did not change is quiet."""
        texts = texts_of(self)
        lines: list[Content] = []
        if before is None:
            lines.append(line(texts("trace.made"), "$warn-text"))
        if after is None:
            lines.append(line(texts("trace.taken_away"), "$warn-text"))
        words = words_in(texts.language)
        for own in fields_of(before, after):
            field = in_words(own, words)
            name = fit(f"  {field.name}", 22)
            if not field.changed:
                lines.append(line(f"{name} {field.before}", "$muted", width=width))
            elif before is None or after is None:
                lines.append(
                    Content.assemble((name, "$muted"), " ", line(field.after or field.before, width=width - 23))
                )
            elif width >= SIDE_BY_SIDE and width_of(field.before) + width_of(field.after) + 4 <= width - 23:
                told = Content.assemble(line(field.before), " → ", line(field.after, "$warn-text bold"))
                lines.append(Content.assemble((name, "$muted"), " ", told))
            else:
                lines += [
                    Content.assemble((name, "$muted"), " ", line(field.before, width=width - 23)),
                    Content.assemble((fit("", 20), ""), " → ", line(field.after, "$warn-text bold", width=width - 23)),
                ]
        return lines

    def _fields(self, fields: Fields, width: int, *, accounts: bool = False) -> list[Content]:
        lines: list[Content] = []
        words = words_in(texts_of(self).language)
        for own, text in fields:
            name, value = (words.account(own), text) if accounts else (words.field(own), words.value(own, text))
            column = min(max(22, width_of(name) + 2), max(width // 2, 10))
            for at, each in enumerate(wrap(value, width - column - 1)[:3] or [""]):
                lines.append(Content.assemble((fit(f"  {name}" if not at else "", column), "$muted"), " ", line(each)))
        return lines

    def _other(self, other: Step, width: int) -> list[Content]:
        texts = texts_of(self)
        lines = [Content(), rule(texts("trace.original"), width)]
        if other.kind in (WRITE, DELETE):
            return [*lines, *self._changed(other.before, other.after, width)]
        words = words_in(texts.language)
        what = words.record(other.key) if other.key else words.outcome(other.what)
        parts = (what, words.told(other.condition), other.outcome, other.detail)
        told = " ".join(part for part in parts if part)
        lines += [line(each, "$muted") for each in wrap(told, width)]
        return [*lines, *self._fields(other.before or other.fields, width)]

    # -- the whole

    def _so_far(self, width: int) -> list[Content]:
        texts, done = texts_of(self), so_far(self.rows, self.at)
        words = words_in(texts.language)
        lines = [self._title("so_far", width)]
        counted = texts("trace.counted", reads=done.reads, writes=len(done.records), events=len(done.events))
        lines.append(line(counted, "$muted", width=width))
        for step in done.postings:
            for name, value in step.fields:
                tone = "$bad-text" if value.startswith("-") else "$good-text"
                lines.append(
                    Content.assemble(
                        fit(f"± {words.account(name)}", max(width - 20, 1)), (fit(value, 20, right=True), tone)
                    )
                )
        for name, before, after in done.records:
            lines.append(line(f"→ {words.record(name)}", "bold", width=width))
            changed = [in_words(field, words) for field in fields_of(before, after) if field.changed]
            lines += [
                line(f"    {field.name}  {field.before or '·'} → {field.after or '·'}", width=width)
                for field in changed[:12]
            ]
        lines += [line(f"● {words.event(step.what)}", "$accent", width=width) for step in done.events]
        return lines

    def _end(self, trace: Trace, width: int) -> list[Content]:
        """How it ended: the code and what each record became."""
        texts, lines = texts_of(self), [self._title("end", width)]
        words = words_in(texts.language)
        refused = f"✗ {trace.code} {words.check(trace.name)} {trace.detail}"
        ended = refused if trace.code else f"✓ {texts('ledger.accepted')}"
        lines += [line(each, "$bad-text bold" if trace.code else "$good-text bold") for each in wrap(ended, width)]
        for write in trace.writes:
            lines.append(line(f"→ {words.record(write.name)}", "bold", width=width))
            lines += self._changed(write.fields_before, write.fields_after, width)
        return lines
