"""The figure says what the numbers say."""

import json

import numpy as np
import pytest

from clear_core.plots import Palette, agreement_figure, cloud, loss_figure, threshold_figure
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


def test_a_cloud_counts_every_pair_that_has_both_values() -> None:
    x, y = np.array([0.0, 0.01, 1.0, np.nan, 0.5]), np.array([0.0, 0.01, 1.0, 0.2, np.nan])
    pairs = cloud(x, y, bins=10)
    assert pairs.count.tolist() == [2, 1]
    assert pairs.x.tolist() == pairs.y.tolist() == [0.05, 0.95]


def test_two_confidences_are_coloured_by_what_both_thresholds_say() -> None:
    pairs = cloud(np.array([0.9, 0.1, 0.9]), np.array([0.9, 0.1, 0.1]))
    drawn = agreement_figure(pairs, (0.5, 0.6), PALETTE, ("Run 1", "Run 2"))
    (marks,) = drawn.data
    assert dict(zip(zip(pairs.x, pairs.y, strict=True), marks.marker.color, strict=True)) == {
        (0.91, 0.91): "#111111",
        (0.11, 0.11): "#222222",
        (0.91, 0.11): "#444444",
    }
    assert [(line.x0, line.y0) for line in drawn.layout.shapes] == [(0.5, 0), (0, 0.6)]
    assert (drawn.layout.xaxis.title.text, drawn.layout.yaxis.title.text) == ("Run 1", "Run 2")


def test_a_cloud_of_many_rows_is_a_small_message() -> None:
    many = np.random.default_rng(0).random((2, 100_000))
    drawn = agreement_figure(cloud(*many), (0.5, 0.5), PALETTE, ("Run 1", "Run 2"))
    assert int(drawn.data[0].customdata.sum()) == 100_000
    assert len(drawn.to_json()) < 200_000


def test_a_loss_is_drawn_over_its_own_steps() -> None:
    drawn = loss_figure([(1, 2.5), (40, 0.5)], PALETTE)
    (line,) = drawn.data
    assert (list(line.x), list(line.y)) == ([1, 40], [2.5, 0.5])
    assert drawn.layout.xaxis.range is None
