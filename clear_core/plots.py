"""Numbers -> Plotly figures. The numbers come from `clear_core.thresholds`, the colours from whoever draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from clear_core.thresholds import Histogram
from clear_core.types import FATES, Fate

HEIGHT = 210


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a figure, as CSS colours.

    Attributes:
        fates: one for each fate.
        text: axis labels and the words at the line.
        grid: grid lines.
        line: the threshold.
        card: ground of the box that appears over a bar.
        font: CSS font families.
    """

    fates: Mapping[Fate, str]
    text: str
    grid: str
    line: str
    card: str
    font: str = "sans-serif"


def threshold_figure(
    histogram: Histogram, threshold: float, palette: Palette, *, below: str, above: str, axis: str, name: str
) -> go.Figure:
    """A histogram stacked by fate with the threshold as a line.

    Args:
        histogram: counts by bin and fate.
        threshold: where the line stands, in [0, 1].
        palette: the colours; the ground stays transparent.
        below: what becomes of rows left of the line, such as "dropped".
        above: what becomes of rows on or right of it.
        axis: name of the value, for the x axis and the box over a bar.
        name: the threshold's name, such as "gamma".
    """
    middle = (histogram.edges[:-1] + histogram.edges[1:]) / 2
    figure = go.Figure()
    for fate in FATES:
        counts = histogram.counts[fate]
        if counts.any():
            figure.add_bar(
                x=middle,
                y=counts,
                width=float(histogram.edges[1]) * 0.92,
                name=fate,
                marker={"color": palette.fates[fate], "line": {"width": 0}},
                hovertemplate=f"%{{y:,}} {fate}<extra></extra>",
            )
    figure.update_layout(_layout(palette, axis))
    if sum(histogram.counts.values(), np.zeros_like(middle)).max(initial=0) < 4:
        figure.update_yaxes(dtick=1)  # or half rows would be marked
    figure.add_shape(
        type="line", x0=threshold, x1=threshold, y0=0, y1=1, yref="paper", line={"color": palette.line, "width": 2}
    )
    figure.add_annotation(**_label(threshold, f"{name} {threshold:.3f}", palette, anchor="center", height=1.2))
    figure.add_annotation(**_label(threshold, f"← {below} ", palette, anchor="right", height=1.03))
    figure.add_annotation(**_label(threshold, f" {above} →", palette, anchor="left", height=1.03))
    return figure


def _label(x: float, text: str, palette: Palette, *, anchor: str, height: float) -> dict[str, object]:
    """Words over the line; near an edge of the plot they lean inwards, so that none is cut off."""
    if anchor == "center":
        anchor = "left" if x < 0.05 else "right" if x > 0.95 else "center"
    hidden = (anchor == "right" and x < 0.1) or (anchor == "left" and x > 0.9)
    return {
        "x": x,
        "y": height,
        "yref": "paper",
        "yanchor": "middle",
        "xanchor": anchor,
        "text": "" if hidden and height < 1.1 else text,
        "showarrow": False,
        "font": {"size": 12, "color": palette.text},
    }


def _layout(palette: Palette, axis: str) -> dict[str, object]:
    ticks = {"color": palette.text, "size": 11}
    return {
        "font": {"family": palette.font},
        "barmode": "stack",
        "bargap": 0,
        "height": HEIGHT,
        "margin": {"l": 44, "r": 10, "t": 36, "b": 34},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": palette.card, "font": {"color": palette.text}},
        "dragmode": False,
        "xaxis": {
            "range": [0, 1],
            "fixedrange": True,
            "dtick": 0.1,
            "tickformat": ".1f",
            "tickfont": ticks,
            "title": {"text": axis, "font": ticks, "standoff": 4},
            "unifiedhovertitle": {"text": f"{axis} around %{{x:.2f}}"},
            "showgrid": False,
            "zeroline": False,
            "linecolor": palette.grid,
            "showline": True,
        },
        "yaxis": {
            "fixedrange": True,
            "tickfont": ticks,
            "tickformat": ",d",
            "nticks": 4,
            "gridcolor": palette.grid,
            "zeroline": False,
            "rangemode": "tozero",
        },
    }
