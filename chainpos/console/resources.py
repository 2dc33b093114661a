"""Where the shipped themes, the person's own files and the crash reports are. It reads none of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import chainpos
from chainpos.errors import EXIT_USAGE, UserFacingError

HERE: Final = Path(__file__).parent
LANGUAGES_FOLDER: Final = HERE / "languages"
STYLES_FOLDER: Final = HERE / "styles"


def shipped_themes() -> Path:
    """The folder of the themes that come with chainpos. Raises UserFacingError where the installation lacks it."""
    package = Path(chainpos.__file__).parent
    for candidate in (package / "_shipped" / "themes", package.parent / "themes"):
        if candidate.is_dir():
            return candidate
    raise UserFacingError(
        "The colour themes are not part of this installation.",
        next_step="Install chainpos again from its wheel or its checkout.",
        exit_code=EXIT_USAGE,
    )


def personal_folder() -> Path:
    """Settings, keymap, own themes and crash reports: $CHAINPOS_CONFIG, else chainpos in the user's config folder."""
    if chosen := os.environ.get("CHAINPOS_CONFIG"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "chainpos"


def personal_themes(folder: Path) -> Path:
    """Where a person's own themes lie: $CHAINPOS_THEMES, else `themes` in their folder. It need not exist."""
    return Path(os.environ.get("CHAINPOS_THEMES") or folder / "themes")
