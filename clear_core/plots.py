"""Numbers -> Plotly figures. The numbers come from `clear_core.thresholds`, the colours from whoever draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from clear_core.thresholds import BINS, Histogram
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


@dataclass(frozen=True, slots=True)
class Cloud:
    """Pairs of values in [0, 1], counted by equal squares: as many marks for a million rows as for a thousand.

    Attributes:
        x: middle of each square that holds a pair, float64[m].
        y: the same across.
        count: how many pairs it holds, int64[m], all above 0.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    count: NDArray[np.int64]


def cloud(x: NDArray[np.float64], y: NDArray[np.float64], bins: int = BINS) -> Cloud:
    """Count pairs by squares; a pair with a NaN is left out.

    Args:
        x: float64[n].
        y: float64[n].
        bins: squares along each side; the last one includes 1.
    """
    known = ~(np.isnan(x) | np.isnan(y))
    across, up = (np.minimum((values[known] * bins).astype(np.int64), bins - 1) for values in (x, y))
    counts = np.bincount(across * bins + up, minlength=bins * bins)
    filled = np.flatnonzero(counts)
    return Cloud((filled // bins + 0.5) / bins, (filled % bins + 0.5) / bins, counts[filled])


def agreement_figure(
    pairs: Cloud, lines: tuple[float, float], palette: Palette, names: tuple[str, str], height: int = 340
) -> go.Figure:
    """Two confidences of the same rows against each other, with the gamma of each as a line.

    What both keep has the colour of keep, what both drop that of drop, and what they disagree about that of unscored.

    Args:
        pairs: the rows, counted by squares; a mark's area goes with its count.
        lines: gamma of the horizontal and of the vertical confidence.
        palette: the colours; the ground stays transparent.
        names: what the horizontal and the vertical confidence are called.
        height: of the figure, in pixels.
    """
    right, over = pairs.x >= lines[0], pairs.y >= lines[1]
    fates: NDArray[np.str_] = np.where(right & over, "keep", np.where(right | over, "unscored", "drop"))
    colours = {str(fate): colour for fate, colour in palette.fates.items()}
    largest = pairs.count.max(initial=1)
    figure = go.Figure()
    figure.add_scatter(
        x=pairs.x,
        y=pairs.y,
        customdata=pairs.count,
        mode="markers",
        marker={
            "color": [colours[str(fate)] for fate in fates],
            "size": 4 + 14 * np.sqrt(pairs.count / largest),
            "opacity": 0.75,
            "line": {"width": 0},
        },
        hovertemplate=f"{names[0]} %{{x:.2f}}, {names[1]} %{{y:.2f}}: %{{customdata:,}} rows<extra></extra>",
    )
    figure.update_layout(_layout(palette, names[0]) | {"hovermode": "closest", "height": height})
    figure.update_yaxes(
        range=[0, 1], dtick=0.2, tickformat=".1f", title={"text": names[1], "font": {"color": palette.text, "size": 11}}
    )
    at = {"line": {"color": palette.line, "width": 2}, "type": "line"}
    figure.add_shape(x0=lines[0], x1=lines[0], y0=0, y1=1, yref="paper", **at)
    figure.add_shape(y0=lines[1], y1=lines[1], x0=0, x1=1, xref="paper", **at)
    return figure


def loss_figure(points: Sequence[tuple[float, float]], palette: Palette, height: int = 180) -> go.Figure:
    """The loss of a training over its steps.

    Args:
        points: (step, mean loss in nats per token), in order of the steps.
        palette: the colours; the ground stays transparent.
        height: of the figure, in pixels.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[step for step, _ in points],
        y=[loss for _, loss in points],
        mode="lines",
        line={"color": palette.line, "width": 2},
        hovertemplate="step %{x:,}: loss %{y:.3f}<extra></extra>",
    )
    figure.update_layout(_layout(palette, "step") | {"hovermode": "closest", "height": height})
    figure.update_layout(margin={"t": 10})
    figure.update_xaxes(range=None, autorange=True, dtick=None, tickformat=",d")
    figure.update_yaxes(tickformat=".2f", title={"text": "loss", "font": {"color": palette.text, "size": 11}})
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
