"""Names and values in two columns that line up."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import fit, width_of, wrap
from chainpos.console.context import texts_of
from chainpos.console.phrases import Tone
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule


class Fact(msgspec.Struct, frozen=True):
    """`label` is a text's key; `value` may be longer than a line."""

    label: str
    value: str
    tone: Tone = ""


def tone_style(tone: Tone, otherwise: str = "$ink") -> str:
    """A tone as coloured text."""
    if tone in {"good", "warn", "bad"}:
        return f"${tone}-text"
    return f"${tone}" if tone else otherwise


class Facts(LinesPanel):
    """`heading` is a text's key, or nothing; `note` stands where there are no facts."""

    facts: reactive[tuple[Fact, ...]] = reactive((), layout=True)
    heading: reactive[str] = reactive("", layout=True)
    note: reactive[str] = reactive("", layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """The heading, then a line for each fact, more where its value is long."""
        texts = texts_of(self)
        lines = [rule(texts(self.heading), width)] if self.heading else []
        if not self.facts and self.note:
            lines += [line(row, "$muted") for row in wrap(texts(self.note), width)]
        labels = [texts(fact.label) for fact in self.facts]
        column = min(max((width_of(label) for label in labels), default=0), max(width // 3, 16))
        for fact, label in zip(self.facts, labels, strict=True):
            values = wrap(fact.value, width - column - 2) or [""]
            for row, value in enumerate(values):
                head = fit(label if not row else "", column)
                lines.append(Content.assemble((head, "$muted"), "  ", (value, tone_style(fact.tone))))
        return lines
