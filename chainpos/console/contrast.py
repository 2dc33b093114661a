"""How well one colour reads on another: WCAG 2's contrast ratio, 1 to 21. It knows nothing of themes."""

from __future__ import annotations

from typing import Final

ENOUGH: Final = 4.5

Rgb = tuple[int, int, int]


def _linear(channel: int) -> float:
    share = channel / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def luminance(colour: Rgb) -> float:
    """Relative luminance, 0 (black) to 1 (white). Source: WCAG 2.2, relative luminance."""
    red, green, blue = (_linear(channel) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """The ratio, 1 to 21, the same in both orders. Source: WCAG 2.2, contrast ratio."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)
