"""How a shop names its printer. It refuses what is no address; the libraries for it are loaded when it is used."""

from __future__ import annotations

from typing import Final

PATTERN: Final = (
    r"^(tcp:[A-Za-z0-9.-]{1,253}:[0-9]{1,5}|usb:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}|file:[^\x00-\x1f]{1,255})?\Z"
)
