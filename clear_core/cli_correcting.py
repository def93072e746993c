"""`clear-review correct`: candidates from models and columns, judged by a model or by what the dataset stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clear_core.cli_runs import Desk, Finished, at_desk, collect
from clear_core.errors import InputError
from clear_core.judge import Judge, ModelJudge
from clear_core.pipeline import correct_stream
from clear_core.recipe import recipe_for
from clear_core.stored_verdicts import StoredJudge
from clear_core.types import CandidateSource, Example, ModelRef, Preference
from clear_core.writing import ColumnWriter, ModelWriter, Writer


def run_correct(
    examples: Sequence[Example],
    judge: ModelRef | StoredJudge,
    sources: Sequence[CandidateSource],
    *,
    samples: int = 5,
    temperature: float = 1.0,
    concurrency: int = 8,
    max_calls: int | None = None,
) -> Finished[Preference]:
    """Have candidates written and judged behind the ledger, with a progress bar.

    Args:
        examples: the rows to correct.
        judge: the model that compares, or the columns that say what one found.
        sources: who writes candidates; none for the judging model itself.
        samples: verdicts sampled in each order beside the first.
        temperature: of these.
        concurrency: examples at a time.
        max_calls: cap on paid calls.

    Raises:
        LLMError: a fatal one, such as a refused key.
        InputError: when a model can't be used, or a stored judge is to judge what no single column brought.
    """
    asked = judge if isinstance(judge, ModelRef) else None
    if not sources and asked is None:
        raise InputError("Stored verdicts need candidates.", "Name their column: --candidates-field NAME.")

    async def work(desk: Desk) -> Finished[Preference]:
        judge_by = judge if isinstance(judge, StoredJudge) else _model_judge(desk, judge, samples, temperature)
        writers = [_writer(desk, source) for source in sources or [CandidateSource(asked)]]
        stream = correct_stream(examples, writers, judge_by, concurrency=concurrency)
        results, capped = await collect(stream, len(examples), "Judging")
        done = {preference.row for preference in results}
        names = writers[0].name if len(writers) == 1 else ""
        results += [
            Preference(e.id, e.row, None, None, None, judge_by.model, names, problem="capped")
            for e in examples
            if e.row not in done
        ]
        return desk.finish(results, capped)

    return at_desk(work, asked, [source.model for source in sources if source.model], max_calls)


def _writer(desk: Desk, source: CandidateSource) -> Writer:
    if source.model is not None:
        return ModelWriter(desk.model(source.model))
    return ColumnWriter(source.column, source.label)


def _model_judge(desk: Desk, model: ModelRef, samples: int, temperature: float) -> Judge:
    llm = desk.model(model)
    return ModelJudge(llm, replace(recipe_for(llm, samples), temperature=temperature))
