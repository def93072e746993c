"""The figure says what the numbers say."""

import json

import numpy as np
import pytest

from clear_core.plots import Palette, threshold_figure
from clear_core.thresholds import histogram
from clear_core.types import FATES

PALETTE = Palette(
    dict(zip(FATES, ("#111111", "#222222", "#333333", "#444444"), strict=True)), "red", "blue", "green", "#fff"
)


def figure(threshold: float = 0.5, values: tuple[float, ...] = (0.1, 0.1, 0.7), codes: tuple[int, ...] = (1, 1, 0)):
    numbers = histogram(np.array(values), np.array(codes, dtype=np.int8), bins=10)
    return threshold_figure(numbers, threshold, PALETTE, below="dropped", above="kept", axis="confidence", name="gamma")


def test_there_is_one_stack_for_each_fate_that_occurs_in_its_colour() -> None:
    bars = figure().data
    assert [(bar.name, bar.marker.color, int(np.sum(bar.y))) for bar in bars] == [
        ("keep", "#111111", 1),
        ("drop", "#222222", 2),
    ]


def test_the_line_stands_at_the_threshold_and_says_its_sides() -> None:
    drawn = figure(0.62).to_dict()["layout"]
    assert (drawn["shapes"][0]["x0"], drawn["shapes"][0]["x1"]) == (0.62, 0.62)
    assert [note["text"].strip() for note in drawn["annotations"]] == ["gamma 0.620", "← dropped", "kept →"]


@pytest.mark.parametrize(("threshold", "anchor"), [(0.0, "left"), (1.0, "right")])
def test_words_at_an_edge_lean_inwards(threshold: float, anchor: str) -> None:
    name, *sides = figure(threshold).to_dict()["layout"]["annotations"]
    assert name["xanchor"] == anchor
    assert [note["text"] for note in sides].count("") == 1


def test_the_ground_is_transparent_and_the_message_to_the_browser_small() -> None:
    many = np.random.default_rng(0).random(100_000)
    numbers = histogram(many, (many < 0.5).astype(np.int8))
    drawn = threshold_figure(numbers, 0.5, PALETTE, below="", above="", axis="", name="")
    assert drawn.layout.paper_bgcolor == drawn.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert len(json.dumps(json.loads(drawn.to_json()))) < 20_000


def test_without_rows_it_is_an_empty_plot() -> None:
    assert figure(values=(), codes=()).data == ()
