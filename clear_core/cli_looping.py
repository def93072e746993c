"""The whole loop, stage by stage: score, filter, train, correct with the trained model, train again, export.

Every stage is kept as it ends: calls by the ledger, trainings by their folders. Run again, it goes on.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from clear_core.cli_correcting import run_correct
from clear_core.cli_runs import Desk, Finished, at_desk
from clear_core.cli_scoring import ScoreOptions, run_score
from clear_core.cli_training import run_training, told_of
from clear_core.errors import BudgetError, InputError
from clear_core.export import export_curated
from clear_core.io import FieldMap, Source, write_records
from clear_core.propose import Thresholds, propose, rows_to_correct, score_table
from clear_core.similarity import normalise
from clear_core.train.settings import TrainSettings
from clear_core.types import CandidateSource, ConfidenceScore, Example, ModelRef, Preference
from clear_core.writing import ModelWriter


@dataclass(frozen=True, slots=True)
class Loop:
    """What a loop is run with.

    Attributes:
        source: the dataset.
        field_map: which of its columns mean what.
        examples: its rows.
        out: the folder of everything that comes out.
        model: the model that scores, judges and is tuned.
        training: how it is tuned.
        thresholds: gamma and eta.
        samples: for a row's score.
        concurrency: rows at a time.
        test: rows whose responses are right, to be answered before and after; none for no test.
        right: by id the response that a row should have, where that is known; only counted, never used.
    """

    source: Source
    field_map: FieldMap
    examples: Sequence[Example]
    out: Path
    model: ModelRef
    training: TrainSettings
    thresholds: Thresholds
    samples: int
    concurrency: int
    test: Sequence[Example] = ()
    right: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Took:
    """What each stage took, JSON-ready: seconds, processor seconds (models' processes included), and what it says."""

    stages: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a stage; what is put into the mapping is told with it."""
        click.echo(f"{len(self.stages) + 1}. {name}", err=True)
        told: dict[str, Any] = {"stage": name}
        began, used = time.monotonic(), _processor_seconds()
        yield told
        told["seconds"] = round(time.monotonic() - began, 1)
        told["processor_seconds"] = round(_processor_seconds() - used, 1)
        self.stages.append(told)


def run_loop(loop: Loop) -> dict[str, Any]:
    """Do all of it.

    Returns:
        The report: stages with what they took, rounds with counts, files, models and test results.

    Raises:
        ClearError: as the stages do.
    """
    took = Took()
    rounds: list[dict[str, Any]] = []
    tests = [_tested(loop, took, loop.model, "the model as it comes")] if loop.test else []
    with took.stage("Score every row with the model as it comes") as told:
        scores = run_score(loop.examples, loop.model, ScoreOptions(samples=loop.samples), concurrency=loop.concurrency)
        told.update(_calls(scores))
    _complete(scores, "scored")
    with took.stage("Auto-Filter: keep what is at or above gamma"):
        curated, first = _exported(loop, 1, scores.results, [])
    trained = _trained(loop, took, 1, curated, first)
    rounds.append(first)
    if loop.test:
        tests.append(_tested(loop, took, trained, "tuned on the kept rows"))
    table = score_table(scores.results)
    wanted = set(rows_to_correct(table, loop.thresholds).tolist())
    low = [example for example in loop.examples if example.row in wanted]
    with took.stage("Auto-Correct: the tuned model writes, the model as it came judges in both orders") as told:
        judged = run_correct(low, loop.model, [CandidateSource(trained)], concurrency=loop.concurrency)
        told.update(_calls(judged))
    _complete(judged, "judged")
    with took.stage("Replace where the candidate is better with more than eta, and export"):
        curated, second = _exported(loop, 2, scores.results, judged.results)
    trained = _trained(loop, took, 2, curated, second)
    rounds.append(second)
    if loop.test:
        tests.append(_tested(loop, took, trained, "tuned on the corrected rows"))
    return {
        "file": loop.source.name,
        "rows": len(loop.examples),
        "wrong_rows": _wrong(loop, loop.examples) if loop.right else None,
        "model": asdict(loop.model),
        "gamma": first["gamma"],
        "eta": loop.thresholds.eta,
        "rounds": rounds,
        "tests": tests,
        "stages": took.stages,
        "seconds": round(sum(stage["seconds"] for stage in took.stages), 1),
        "processor_seconds": round(sum(stage["processor_seconds"] for stage in took.stages), 1),
    }


def _exported(
    loop: Loop, number: int, scores: Sequence[ConfidenceScore], preferences: Sequence[Preference]
) -> tuple[list[Example], dict[str, Any]]:
    """Propose and write a round's files; gives what is trained on: the export but for rows that have no score."""
    folder = loop.out / f"round-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    proposals = list(propose(scores, preferences, loop.thresholds))
    write_records(folder / "scores.jsonl", scores)
    if preferences:
        write_records(folder / "preferences.jsonl", preferences)
    write_records(folder / "proposals.jsonl", proposals)
    suffix = Path(loop.source.name.removesuffix(".gz").removesuffix(".zst")).suffix
    curated = folder / f"curated{suffix}"
    manifest = export_curated(loop.source, loop.field_map, proposals, [], curated)
    fates = {proposal.row: proposal for proposal in proposals}
    examples = [
        replace(example, response=fates[example.row].response or example.response)
        for example in loop.examples
        if fates[example.row].fate in {"keep", "replace"}
    ]
    told: dict[str, Any] = {
        "round": number,
        "counts": manifest["counts"],
        "gamma": proposals[0].gamma if proposals else None,
        "export": str(curated.relative_to(loop.out)),
        "examples": len(examples),
    }
    if loop.right:
        told["wrong_examples"] = _wrong(loop, examples)
    click.echo(f"   {_counted(told)}", err=True)
    return examples, told


def _trained(loop: Loop, took: Took, number: int, examples: Sequence[Example], told: dict[str, Any]) -> ModelRef:
    folder = loop.out / f"round-{number}" / "model"
    with took.stage(f"Train on the {len(examples):,} rows of round {number}") as stage:
        trained = run_training(examples, loop.training, folder)
        stage.update({name: trained.facts[name] for name in ("steps", "final_loss", "device") if name in trained.facts})
    click.echo(f"   {told_of(trained)}", err=True)
    if trained.model is None:
        raise InputError("A loop needs a model that can be asked here.", "Train the embedded model, or at an endpoint.")
    told |= {"trained": asdict(trained.model), "training": dict(trained.facts)}
    return trained.model


@dataclass(frozen=True, slots=True)
class _Answered:
    row: int
    text: str


def _tested(loop: Loop, took: Took, model: ModelRef, name: str) -> dict[str, Any]:
    """Answer the test rows at temperature 0, and count the answers that are right to the letter."""
    with took.stage(f"Answer the {len(loop.test):,} test rows: {name}") as told:
        answers = at_desk(_answering(loop.test, model), model, (), None)
        told.update(_calls(answers))
    wanted = {example.row: example.response for example in loop.test}
    right = sum(normalise(answer.text) == normalise(wanted[answer.row]) for answer in answers.results)
    click.echo(f"   {right:,} of {len(wanted):,} right", err=True)
    return {"model": name, "right": right, "rows": len(wanted)}


def _answering(test: Sequence[Example], model: ModelRef) -> Callable[[Desk], Any]:
    async def work(desk: Desk) -> Finished[_Answered]:
        writer = ModelWriter(desk.model(model))
        written = await asyncio.gather(*[writer.write(example) for example in test])
        answers = [_Answered(e.row, candidates[0].text or "") for e, candidates in zip(test, written, strict=True)]
        return desk.finish(answers, None)

    return work


def _processor_seconds() -> float:
    """Of this process and of those that it has seen end."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _complete(finished: Finished[Any], done: str) -> None:
    if finished.capped:
        raise BudgetError(finished.capped)
    problems = [result.problem for result in finished.results if result.problem]
    if problems:
        click.echo(f"   {len(problems):,} of {len(finished.results):,} rows could not be {done} in full.", err=True)


def _calls(finished: Finished[Any]) -> dict[str, int]:
    return {"calls": finished.paid, "replayed": finished.replayed}


def _wrong(loop: Loop, examples: Sequence[Example]) -> int:
    return sum(normalise(loop.right[example.id]) != normalise(example.response) for example in examples)


def _counted(told: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{number:,} {fate}" for fate, number in told["counts"].items() if number)
    wrong = f"; {told['wrong_examples']:,} of the {told['examples']:,} are wrong" if "wrong_examples" in told else ""
    return f"{counts}{wrong}"
