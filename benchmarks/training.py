"""The paper's experiment in small: a model fine-tuned on five forms of a noisy set answers questions it has not seen.

    python -m benchmarks.training --data DIR [--keep FOLDER] [--json]

The embedded model scores the training rows by likelihood alone (samples would cost several times as much), a LoRA is
trained on each form with the project's own trainer, and the clean test part is answered at temperature 0. What is
finished in FOLDER is not done again. DIR holds `benchmarks.squad.FILE` and its truth, which are not part of the
project. Needs the extra `train`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import tempfile
from collections.abc import Sequence
from contextlib import aclosing, closing
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.answering import Answerer
from benchmarks.squad import FILE, Item, drawn, is_right, is_valid, read_items
from benchmarks.trained import Run, figures, report
from clear_core.errors import ClearError
from clear_core.io import write_records
from clear_core.judge import ModelJudge
from clear_core.llm.embedded import EmbeddedModel
from clear_core.llm.ledger import Ledger
from clear_core.llm.ledgered import ledgered
from clear_core.pipeline import correct_stream, score_stream
from clear_core.propose import Thresholds, propose
from clear_core.recipe import recipe_for
from clear_core.similarity import token_f1
from clear_core.train.lora import LoraTrainer
from clear_core.train.port import Progress, Trained
from clear_core.train.settings import TrainSettings
from clear_core.types import ConfidenceScore, Example, Preference
from clear_core.writing import ColumnWriter

FORMS: Final = ("filtered", "corrected", "noisy", "random half", "clean")
"""The corrected one needs the model that the filtered one trained."""
ANSWER_TOKENS: Final = 24
CANDIDATE: Final = "candidate"
RATE: Final = 5e-4
"""Half of the trainer's own learning rate, as its batches are half as large."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of the set is used.

    Attributes:
        rows: training rows of a seed, drawn anew for each.
        test: questions that every trained model answers; the same ones.
        seeds: of draws and trainings.
        epochs: passes of a training over its rows.
        batch: rows of one step; few, so that few rows are still many steps.
        words: passage and question together have no more; short ones cost less to learn, and that is the reason.
    """

    rows: int = 96
    test: int = 200
    seeds: tuple[int, ...] = (0, 1, 2)
    epochs: int = 2
    batch: int = 4
    words: int = 90


DEFAULT: Final = Size()


class Experiment:
    """Everything for one set and size, with a folder that keeps what is finished.

    Args:
        path: the set.
        size: how much of it.
        keep: the folder.
        forms: what is trained on, of FORMS and in that order.
    """

    def __init__(self, path: Path, size: Size, keep: Path, forms: Sequence[str]) -> None:
        self._forms = [form for form in FORMS if form in forms]
        self._size = size
        self._keep = keep
        self._pool = read_items(path, "train", size.words)
        self._test = drawn(read_items(path, "test", size.words), size.test, 0)
        self.groups = [item.group for item in self._test]

    @cached_property
    def _answerer(self) -> Answerer:
        return Answerer()

    async def run(self) -> list[Run]:
        """Train and answer, seed by seed; the first run is the model as it comes."""
        runs = [Run("not trained", 0, 0, 0.0, {}, *self._answered(None, self._keep / "base"))]
        with closing(Ledger(self._keep / "ledger.sqlite")) as ledger:
            llm = ledgered(EmbeddedModel(), ledger)
            try:
                for seed in self._size.seeds:
                    runs += await self._seed(seed, llm)
            finally:
                await llm.close()
        return runs

    async def _seed(self, seed: int, llm: Any) -> list[Run]:
        items = drawn(self._pool, self._size.rows, seed)
        recipe = recipe_for(llm, samples=0)
        scores: list[ConfidenceScore] = []
        async with aclosing(score_stream([item.row.example for item in items], llm, recipe)) as results:
            scores += [score async for score in results]
        kept = _kept(items, scores, [])
        half = random.Random(f"half {seed}").sample(items, len(kept))  # noqa: S311
        rows = {
            "filtered": kept,
            "noisy": [(item, item.row.example) for item in items],
            "random half": [(item, item.row.example) for item in half],
            "clean": [(item, replace(item.row.example, response=item.clean)) for item in items],
        }
        runs = []
        for form in self._forms:
            if form == "corrected":
                rows[form] = _kept(items, scores, await self._corrections(seed, items, kept, llm))
            runs.append(await self._train(seed, form, rows[form]))
        return runs

    async def _corrections(
        self, seed: int, items: Sequence[Item], kept: Sequence[tuple[Item, Example]], llm: Any
    ) -> list[Preference]:
        """Of what the filter leaves out: candidates by the model trained on what it keeps, judged by the base model."""
        low = [item for item in items if item.row.example.row not in {example.row for _, example in kept}]
        writer = self._folder(seed) / "filtered"
        written = self._answerer.answers([item.row.example for item in low], writer, ANSWER_TOKENS)
        asked = [
            replace(item.row.example, meta={CANDIDATE: "" if answer.cut else answer.text})
            for item, answer in zip(low, written, strict=True)
        ]
        judge = ModelJudge(llm, recipe_for(llm, samples=0))
        stream = correct_stream(asked, [ColumnWriter(CANDIDATE, "trained on the kept rows")], judge)
        async with aclosing(stream) as judged:
            preferences = [preference async for preference in judged]
        write_records(self._folder(seed) / "preferences.jsonl", preferences)
        return preferences

    def _folder(self, seed: int) -> Path:
        return self._keep / f"{self._size.rows}-rows-{self._size.epochs}-epochs" / f"seed-{seed}"

    async def _train(self, seed: int, form: str, rows: Sequence[tuple[Item, Example]]) -> Run:
        folder = self._folder(seed) / form.replace(" ", "-")
        settings = TrainSettings(
            epochs=self._size.epochs, batch_size=self._size.batch, learning_rate=RATE, seed=seed, max_tokens=512
        )
        facts: dict[str, Any] = {}
        vars(self).pop("_answerer", None)  # the training's process needs the memory
        async with aclosing(LoraTrainer(settings, folder).train([example for _, example in rows], {})) as told:
            async for each in told:
                if isinstance(each, Trained):
                    facts = dict(each.facts)
                elif isinstance(each, Progress) and each.step % 5 == 0:
                    click.echo(f"  seed {seed}, {form}: step {each.step} of {each.total}, loss {each.loss}", err=True)
        wrong = sum(not is_right(item, example.response) for item, example in rows) / len(rows)
        run = Run(form, seed, len(rows), wrong, facts, *self._answered(folder, folder))
        click.echo(f"  seed {seed}, {form}: {len(rows)} rows, {sum(run.right)} of {len(run.right)} right", err=True)
        return run

    def _answered(self, adapter: Path | None, folder: Path) -> tuple[list[bool], list[bool], list[float]]:
        """Of each test question: whether the answer is right, whether it has the right form, and its token F1."""
        path = folder / f"answers-{len(self._test)}.json"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            told = self._answerer.answers([item.row.example for item in self._test], adapter, ANSWER_TOKENS)
            path.write_text(json.dumps([asdict(answer) for answer in told]), "utf-8")
        read = list(zip(self._test, json.loads(path.read_text("utf-8")), strict=True))
        return (
            [is_right(item, answer["text"]) for item, answer in read],
            [not answer["cut"] and is_valid(item, answer["text"]) for item, answer in read],
            [max(token_f1(good, answer["text"]) for good in item.accepted) for item, answer in read],
        )


def _kept(
    items: Sequence[Item], scores: Sequence[ConfidenceScore], preferences: Sequence[Preference]
) -> list[tuple[Item, Example]]:
    """What the default thresholds keep or replace; a row without a score is in neither."""
    made = []
    item_of = {item.row.example.row: item for item in items}
    for proposal in propose(scores, preferences, Thresholds()):
        item = item_of[proposal.row]
        if proposal.fate == "keep":
            made.append((item, item.row.example))
        elif proposal.fate == "replace" and proposal.response is not None:
            made.append((item, replace(item.row.example, response=proposal.response)))
    return made


def told(data: Path, size: Size, keep: Path | None, forms: Sequence[str] = FORMS) -> tuple[dict[str, Any], str]:
    """The experiment's outcome, JSON-ready, and as text.

    Raises:
        ClearError: when the set can't be used or a training fails.
    """
    path = data / FILE
    with tempfile.TemporaryDirectory() as passing:
        folder = keep or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        experiment = Experiment(path, size, folder, forms)
        runs = asyncio.run(experiment.run())
    lines = figures(runs, experiment.groups)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    found = {
        "file": FILE,
        "sha256": digest,
        "size": asdict(size),
        "lines": [asdict(line) for line in lines],
        "runs": [asdict(run) | {"right": sum(run.right), "valid": sum(run.valid), "f1": sum(run.f1)} for run in runs],
    }
    return found, f"{FILE} (sha256 {digest[:12]}), {asdict(size)}\n\n{report(lines)}"


@click.command()
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="The files.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Folder for what is finished.")
@click.option("--seed", "seeds", multiple=True, type=int, default=DEFAULT.seeds, show_default=True, help="Repeatable.")
@click.option("--form", "forms", multiple=True, type=click.Choice(FORMS), default=FORMS, help="Default: all.")
@click.option("--rows", default=DEFAULT.rows, show_default=True, type=click.IntRange(8))
@click.option("--test", default=DEFAULT.test, show_default=True, type=click.IntRange(8))
@click.option("--epochs", default=DEFAULT.epochs, show_default=True, type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def main(
    *,
    data: Path,
    keep: Path | None,
    seeds: tuple[int, ...],
    forms: tuple[str, ...],
    rows: int,
    test: int,
    epochs: int,
    as_json: bool,
) -> None:
    """Print accuracy and share of answers in the right form after training on each form of the set.

    Seeds and forms may be trained by processes side by side (each with OMP_NUM_THREADS=1) that keep in one folder.
    """
    try:
        found, text = told(data, Size(rows, test, seeds, epochs), keep, forms)
    except (ClearError, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(found) if as_json else text)


if __name__ == "__main__":
    main()
