"""The keys that do something now, with what they do: read from the live bindings, so it cannot go stale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import events
from textual.app import App
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from chainpos.console.cells import width_of
from chainpos.console.context import texts_of
from chainpos.console.language import Texts
from chainpos.console.widgets.lines_panel import LinesPanel, line

Entry = tuple[str, str, str]  # binding id, key as shown, action


def key_name(texts: Texts, key: str) -> str:
    """How a key is called on the keyboard: "ctrl+p" is "Ctrl+P"."""
    *modifiers, last = key.split("+")
    shown = texts.known(f"key.{last}", "")
    if not shown:
        shown = _CHARACTERS.get(last) or (last.upper() if len(last) > 1 or modifiers else last)
    return "+".join([*(each.capitalize() for each in modifiers), shown])


_CHARACTERS = {
    "question_mark": "?",
    "slash": "/",
    "full_stop": ".",
    "plus": "+",
    "minus": "-",
    "asterisk": "*",
    "equals_sign": "=",
    "percent_sign": "%",
    "dollar_sign": "$",
}


def live_entries(screen: Screen[object]) -> tuple[list[Entry], list[Entry]]:
    """The shown bindings that can be used: of the screen, and of the application. Each once, with its first key."""
    own: list[Entry] = []
    every: list[Entry] = []
    known: set[str] = set()
    # Asked once: each binding asks its screen whether it can be used.
    for key, (node, binding, enabled, _) in screen.active_bindings.items():
        if enabled and binding.show and binding.id and binding.id not in known:
            known.add(binding.id)
            (every if isinstance(node, App) else own).append((binding.id, key, binding.action))
    return own, every


class KeyLine(LinesPanel):
    """One line of keys. What does not fit is left to the help screen, whose key always shows."""

    renames: dict[str, str]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.renames = {}

    def on_mount(self) -> None:
        """Follow the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, _: Screen[object]) -> None:
        self.refresh()

    def _shown(self, width: int) -> list[tuple[Entry, str, str]]:
        texts = texts_of(self)
        own, every = live_entries(self.screen)
        ordered = [each for each in every if each[0] == "app.help"] + own
        ordered += [each for each in every if each[0] != "app.help"]
        chosen: list[tuple[Entry, str, str]] = []
        left = width
        for entry in ordered:
            key, label = key_name(texts, entry[1]), texts(f"action.{self.renames.get(entry[0], entry[0])}")
            needed = width_of(key) + 1 + width_of(label) + 3
            if needed - 3 <= left:
                chosen.append((entry, key, label))
                left -= needed
        # Help is chosen first, so that it always has room, and stands last.
        return [*chosen[1:], *chosen[:1]] if chosen and chosen[0][0][0] == "app.help" else chosen

    def lines(self, width: int) -> Sequence[Content]:
        """Keys in the accent's colour, what they do beside them."""
        parts: list[Content] = []
        for _, key, label in self._shown(width):
            parts.append(Content.assemble(line(key, "$accent bold"), " ", line(label), "   "))
        return [Content.assemble(*parts).truncate(width)]

    async def on_click(self, event: events.Click) -> None:
        """A click on a key does what the key does."""
        left = self.content_region.x - self.region.x
        for entry, key, label in self._shown(self.content_size.width):
            right = left + width_of(key) + 1 + width_of(label)
            if left <= event.x < right:
                await self.app.run_action(entry[2], default_namespace=_owner(self.screen, entry))
                return
            left = right + 3


def _owner(screen: Screen[object], entry: Entry) -> Widget | App[object]:
    node = screen.active_bindings[entry[1]].node
    return node if isinstance(node, Widget | App) else screen


def entries_text(texts: Texts, entries: Iterable[Entry]) -> list[tuple[str, str]]:
    """Pairs of key and what it does, for the help screen."""
    return [(key_name(texts, key), texts(f"action.{binding_id}")) for binding_id, key, _ in entries]
