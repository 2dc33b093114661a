"""Colour themes from TOML files: what a theme must say, and Textual's variables made of it.

It refuses a file with a missing or unknown entry, a colour that is not #rrggbb, or text that would not be legible.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import msgspec
from textual.theme import Theme

from chainpos.console.contrast import ENOUGH, Rgb, contrast
from chainpos.errors import EXIT_USAGE, UserFacingError

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)
MAX_THEME_BYTES: Final = 16_384


class Colours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every colour of the console, by what it is for. Fills (`good`, `warn`, `bad`) carry text of their own `_ink`."""

    paper: str  # the ground
    panel: str  # bars, fields, panels
    line: str  # rules and frames: no text
    ink: str
    muted: str  # secondary text
    accent: str  # keys, headings, the focus: as text and as a fill
    accent_ink: str
    cursor: str  # the row under the cursor
    cursor_ink: str
    good: str
    good_ink: str
    good_text: str
    warn: str
    warn_ink: str
    warn_text: str
    bad: str
    bad_ink: str
    bad_text: str


class ThemeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A theme as its file says it; `name` is the file's own name without the ending."""

    title_en: str
    title_zh: str
    dark: bool
    colours: Colours
    name: str = ""


# Which text stands on which ground, anywhere in the console. Each pair is checked in each theme.
TEXT_PAIRS: Final[tuple[tuple[str, str], ...]] = (
    *((text, ground) for text in ("ink", "muted", "accent", "good_text", "warn_text", "bad_text")
      for ground in ("paper", "panel")),
    ("accent_ink", "accent"), ("cursor_ink", "cursor"),
    ("good_ink", "good"), ("warn_ink", "warn"), ("bad_ink", "bad"),
)  # fmt: skip


def rgb(colour: str) -> Rgb:
    """The three channels of "#rrggbb"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _refuse(path: Path, why: str) -> UserFacingError:
    return UserFacingError(
        f"The theme file {path.name} cannot be used: {why}.",
        money_moved="",
        next_step="Mend the file or remove it; themes/light.toml shows how one looks.",
        exit_code=EXIT_USAGE,
    )


def load_theme(path: Path) -> ThemeFile:
    """The theme in a file. Raises UserFacingError that says which entry is wrong."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _refuse(path, f"it cannot be read ({error.strerror})") from error
    if len(raw) > MAX_THEME_BYTES:
        raise _refuse(path, f"it is larger than {MAX_THEME_BYTES} bytes")
    try:
        theme = msgspec.convert(tomllib.loads(raw.decode()), ThemeFile)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise _refuse(path, str(error)) from error
    if theme.name not in {"", path.stem}:
        raise _refuse(path, f"it calls itself {theme.name!r}; a theme is named by its file")
    colours = msgspec.structs.asdict(theme.colours)
    for entry, colour in colours.items():
        if not _COLOUR.fullmatch(colour):
            raise _refuse(path, f"colours.{entry} is {colour!r}, not of the form #rrggbb")
    for text, ground in TEXT_PAIRS:
        ratio = contrast(rgb(colours[text]), rgb(colours[ground]))
        if ratio < ENOUGH:
            raise _refuse(path, f"{text} on {ground} has a contrast of {ratio:.2f}, under {ENOUGH}")
    return msgspec.structs.replace(theme, name=path.stem)


def load_themes(shipped: Path, personal: Path) -> tuple[dict[str, ThemeFile], tuple[UserFacingError, ...]]:
    """Themes by name, a person's own over a shipped one of the same name, and what was wrong with their files.

    Raises UserFacingError for a shipped theme that is broken: that is an installation gone wrong.
    """
    themes = {path.stem: load_theme(path) for path in sorted(shipped.glob("*.toml"))}
    problems: list[UserFacingError] = []
    for path in sorted(personal.glob("*.toml")):
        try:
            themes[path.stem] = load_theme(path)
        except UserFacingError as error:
            problems.append(error)
    return themes, tuple(problems)


def textual_theme(theme: ThemeFile) -> Theme:
    """The same as Textual wants it: our entries as variables, and Textual's own names pointed at them."""
    c = theme.colours
    ours = {entry.replace("_", "-"): colour for entry, colour in msgspec.structs.asdict(c).items()}
    textuals = {
        "text": c.ink, "text-muted": c.muted, "text-disabled": c.muted, "foreground-muted": c.muted,
        "text-primary": c.accent, "text-success": c.good_text, "text-warning": c.warn_text, "text-error": c.bad_text,
        "border": c.accent, "border-blurred": c.line,
        "block-cursor-background": c.cursor, "block-cursor-foreground": c.cursor_ink,
        "block-cursor-blurred-background": c.panel, "block-cursor-blurred-foreground": c.ink,
        "block-hover-background": c.panel,
        "input-cursor-background": c.ink, "input-cursor-foreground": c.paper, "input-cursor-text-style": "none",
        "input-selection-background": c.accent, "input-selection-foreground": c.accent_ink,
        "scrollbar": c.line, "scrollbar-hover": c.muted, "scrollbar-active": c.accent,
        "scrollbar-background": c.panel, "scrollbar-background-hover": c.panel, "scrollbar-background-active": c.panel,
        "scrollbar-corner-color": c.panel,
    }  # fmt: skip
    return Theme(
        name=theme.name, dark=theme.dark, primary=c.accent, secondary=c.accent, accent=c.accent, foreground=c.ink,
        background=c.paper, surface=c.paper, panel=c.panel, success=c.good, warning=c.warn, error=c.bad,
        variables={**textuals, **ours},
    )  # fmt: skip
