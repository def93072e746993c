"""The demo in one click: its rows, and the scores and preferences that the embedded model recorded for them."""

from __future__ import annotations

from sqlalchemy.engine import Engine

from clear_core import demo
from clear_core.io import Source, detect
from clear_core.settings import Settings
from db.datasets import create_dataset, find_demo, import_examples
from db.records import RunConfig
from db.runs import list_runs
from db.scores import import_preferences, import_scores
from db.uploads import store_file


def load_demo(engine: Engine, settings: Settings, who: str) -> int:
    """Load the demo with its recorded scores and preferences; what is loaded already is found again.

    Returns:
        The dataset's id.
    """
    known = find_demo(engine)
    dataset_id = known.id if known else _load_rows(engine, settings, who)
    # One by one, so that a load that was cut off is completed by the next click.
    scored = [run.id for run in list_runs(engine, dataset_id, "score")]
    score_run = scored[-1] if scored else import_scores(engine, dataset_id, demo.scores_path(), RunConfig("score"), who)
    if not list_runs(engine, dataset_id, "correct"):
        judged = RunConfig("correct", score_run_id=score_run)
        import_preferences(engine, dataset_id, demo.preferences_path(), judged, who)
    return dataset_id


def _load_rows(engine: Engine, settings: Settings, who: str) -> int:
    stored = store_file(settings.uploads_dir, demo.dataset_path())
    source = Source(stored.path, "customer-emails.jsonl")
    detection = detect(source)
    dataset_id = create_dataset(
        engine,
        name="Demo: customer e-mails",
        source=source,
        sha256=stored.sha256,
        detection=detection,
        field_map=detection.field_map,
        created_by=who,
        is_demo=True,
    )
    import_examples(engine, dataset_id)
    return dataset_id
