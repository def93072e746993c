"""What the evidence without a model rests on: resampled figures, the worked formulas, the judge's rule, the command."""

import gzip
import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.curation import main
from benchmarks.formulas import eta_table_holds, largest_errors
from benchmarks.judging import accepted
from benchmarks.measures import auroc
from benchmarks.resampling import auc_pr_of, auroc_of, difference, figure, redraw, share_of

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 5).map(lambda n: n / 5)), min_size=3, max_size=20).filter(
    lambda rows: len({bad for bad, _ in rows}) == 2
)
LABEL = st.sampled_from(["1", "2", None])
BOTH = st.tuples(LABEL, LABEL)


def split(rows):
    return [bad for bad, _ in rows], [score for _, score in rows]


@settings(deadline=None)
@given(ROWS)
def test_auroc_is_the_one_of_the_other_benchmark(rows):
    bad, scores = split(rows)
    same = auroc([s for b, s in rows if b], [s for b, s in rows if not b], rounds=1).value
    assert auroc_of(bad, scores)(np.ones((1, len(rows))))[0] == pytest.approx(same)


@settings(deadline=None)
@given(ROWS)
def test_auc_pr_finds_rows_of_equal_score_together(rows):
    bad, scores = split(rows)
    expected, before = 0.0, 0
    for line in sorted(set(scores)):
        found = [b for b, s in rows if s <= line]
        expected += (sum(found) - before) * sum(found) / len(found) / sum(bad)
        before = sum(found)
    assert auc_pr_of(bad, scores)(np.ones((1, len(rows))))[0] == pytest.approx(expected)


@settings(deadline=None)
@given(ROWS, st.sampled_from([auroc_of, auc_pr_of]), st.data())
def test_a_weight_is_as_good_as_a_repeated_row(rows, of, data):
    counts = [data.draw(st.integers(1, 3)) for _ in rows]
    repeated = [row for row, count in zip(rows, counts, strict=True) for _ in range(count)]
    weighed = of(*split(rows))(np.array([counts], dtype=float))[0]
    assert weighed == pytest.approx(of(*split(repeated))(np.ones((1, len(repeated))))[0])


def test_without_any_order_auc_pr_is_the_share_of_bad_rows():
    assert auc_pr_of([True, False, False, True], [0.5] * 4)(np.ones((1, 4)))[0] == 0.5


def test_groups_are_drawn_whole_and_the_seed_repeats_them():
    groups = ["a", "b", "a", "c", "c", "c"]
    weights = redraw(groups, rounds=200)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert (weights == redraw(groups, rounds=200)).all()
    assert not (weights == redraw(groups, rounds=200, seed=1)).all()


def test_the_difference_is_paired():
    draw = np.random.default_rng(0)
    bad, scores = draw.random(200) < 0.4, draw.random(200)
    weights = redraw(range(200), rounds=300)
    one = auroc_of(bad, scores)
    same = figure(difference(one, one), weights)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    alone = figure(one, weights)
    assert alone.low < alone.value < alone.high


def test_rounds_without_a_case_are_left_out_of_a_share():
    weights = redraw(range(3), rounds=100)
    found = figure(share_of([1.0, 0.0, 0.0], [1.0, 0.0, 0.0]), weights)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert figure(share_of([0.0] * 3, [0.0] * 3), weights) is None


def test_the_formulas_give_the_worked_numbers():
    errors = largest_errors()
    assert errors["rows"] < 1e-12
    assert errors["triples"] < 1e-12
    assert eta_table_holds()


def test_the_judges_rule_acts_when_all_verdicts_of_both_orders_agree():
    assert accepted(["2", "2"], [["2", "2"]] * 4) == "2"
    assert accepted(["1", "1"], []) == "1"
    assert accepted(["1", "2"], []) is None  # the orders disagree
    assert accepted(["2", "2"], [["2", "2"]] * 3 + [["1", "2"]]) is None  # .75 is not above eta
    assert accepted(["2", None], []) is None
    assert accepted(["2", "2"], [["2", "2"], ["2", None], ["2", None], ["2", "2"]]) is None  # half of them is too few
    assert accepted(["2"], []) == "2"  # one order alone always acts


@settings(deadline=None)
@given(BOTH, st.lists(BOTH, max_size=5))
def test_exchanging_the_responses_exchanges_what_is_accepted(first, sampled):
    other = {"1": "2", "2": "1", None: None}
    turned = accepted([other[v] for v in first], [[other[v] for v in labels] for labels in sampled])
    assert turned == other[accepted(first, sampled)]


def write(path, rows):
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path):
    answers = [
        {
            "gid": str(n),
            "samples": ["Rome", *(["Rome"] * 19 if right else [f"Town {i}" for i in range(19)])],
            "sample_em": [right] * 20,
            "sample_contains": [right] * 20,
        }
        for n, right in enumerate([1, 0] * 6)
    ]
    write(tmp_path / "triviaqa_llama13b_20samples.jsonl.gz", answers)
    passage = {
        "gid": "p",
        "sentences": ["She was born in Oslo.", "He wrote an opera."],
        "annotation": ["accurate", "major_inaccurate"],
        "samples_gpt3": ["She was born in Oslo in 1950."] * 20,
        "scores_gpt3samples": {"nli": [0.1, 0.9], "prompt": [0.0, 1.0], "bert": [0.4, 0.6]},
    }
    write(tmp_path / "selfcheck_wikibio.jsonl.gz", [passage | {"gid": str(n)} for n in range(5)])
    prompts = ("Vanilla", "CoT", "Metrics_Reference", "Swap", "Swap_CoT")
    votes = [["judge", prompt, "1", "1"] for prompt in prompts] + [["biased", prompt, "1", "2"] for prompt in prompts]
    write(tmp_path / "llmbar.jsonl.gz", [{"gid": str(n), "label": 1, "judge_votes": votes} for n in range(6)])
    return tmp_path


def test_the_command_tells_every_figure_with_baseline_and_interval(folder):
    done = CliRunner().invoke(main, ["--data", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    ours = [line for line in told["answers"]["lines"] if line["name"] == "ours, token_f1"]
    assert [(line["samples"], line["figure"]["value"]) for line in ours] == [(5, 1.0), (10, 1.0), (19, 1.0)] * 2
    assert all(line["gain"] is not None and line["against"] for line in ours)
    assert {line["figure"]["value"] for line in told["passages"]["lines"] if line["name"] == "ours, token_f1"} == {1.0}
    judged = {(line["judge"], line["rule"][:4]): line for line in told["judge"]["lines"]}
    assert judged["judge", "five"]["accuracy"]["value"] == judged["judge", "five"]["acts"]["value"] == 1.0
    assert judged["biased", "five"]["acts"]["value"] == 0.0
    assert judged["biased", "five"]["accuracy"] is None
    assert judged["biased", "five"]["single"]["value"] == 0.5


def test_the_tables_and_a_missing_file(folder):
    done = CliRunner().invoke(main, ["--data", str(folder), "--part", "answers", "--part", "formulas"])
    assert done.exit_code == 0
    assert "| ours, token_f1 | 5 | 1.000 [1.000, 1.000] | +0.000" in done.output
    assert "llmbar" not in done.output
    (folder / "llmbar.jsonl.gz").unlink()
    done = CliRunner().invoke(main, ["--data", str(folder)])
    assert done.exit_code == 1
    assert "no llmbar.jsonl.gz" in done.output
