"""What a person chose for their console, kept in one small TOML file. It refuses a file it does not understand."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final, Literal

import msgspec

from chainpos.errors import EXIT_USAGE, UserFacingError

FILE_NAME: Final = "console.toml"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`sound` rings once a payment; `voice` also says it, where a voice is there."""

    theme: str = "light"
    language: Literal["en", "zh"] = "en"
    sound: bool = True
    voice: bool = False


def load_settings(folder: Path) -> Settings:
    """The settings in a folder; the usual ones where there are none. Raises UserFacingError."""
    path = folder / FILE_NAME
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Settings)
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UserFacingError(
            f"The settings in {path} cannot be used: {error}.",
            money_moved="",
            next_step="Mend the file, or remove it to begin with the usual settings.",
            exit_code=EXIT_USAGE,
        ) from error


def save_settings(folder: Path, settings: Settings) -> None:
    """Write them so that a crash leaves the old file or the new one. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f'theme = "{settings.theme}"',
        f'language = "{settings.language}"',
        f"sound = {str(settings.sound).lower()}",
        f"voice = {str(settings.voice).lower()}",
    ]
    beside = folder / f"{FILE_NAME}.new"
    beside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    beside.replace(folder / FILE_NAME)
