"""What all dialogs are: over the screen that asked, with nothing worked out twice. They refuse keys meant for below."""

from __future__ import annotations

from typing import Generic

from textual import events, on
from textual.screen import ModalScreen, ScreenResultType


class Dialog(ModalScreen[ScreenResultType], Generic[ScreenResultType]):
    """Answers once."""

    @on(events.ScreenResume)
    def keep_styles(self, event: events.ScreenResume) -> None:
        """Its styles were worked out when it was put up."""
        event.refresh_styles = False
