"""How a figure is written down."""

from typing import Any


def figure(bench: str, name: str, value: float, unit: str, **beside: float) -> dict[str, Any]:
    """Return one line of the results; numbers keep four significant digits."""
    return {
        "bench": bench,
        "figure": name,
        "value": short(value),
        "unit": unit,
        "beside": {peer: short(number) for peer, number in beside.items()},
    }


def short(value: float) -> float:
    """Return ``value`` with four significant digits, whole where it is large."""
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() else rounded
