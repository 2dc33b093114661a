"""Where the sample city's files are: inside an installed wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

import chainpos
from chainpos.errors import EXIT_USAGE, UserFacingError


def sample_data() -> Path:
    """The folder of the sample city. Raises UserFacingError where the installation lacks it."""
    package = Path(chainpos.__file__).parent
    for candidate in (package / "_shipped" / "sample_data", package.parent / "sample_data"):
        if candidate.is_dir():
            return candidate
    raise UserFacingError(
        "The sample city's files are not part of this installation.",
        next_step="Install chainpos again from its wheel or its checkout.",
        exit_code=EXIT_USAGE,
    )
