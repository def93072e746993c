"""The demo in one click: its rows, and the scores and preferences that the embedded model recorded for them."""

from __future__ import annotations

from sqlalchemy.engine import Engine

from clear_core import demo
from clear_core.io import Source, detect
from clear_core.settings import Settings
from db.datasets import create_dataset, find_demo, import_examples
from db.records import RunConfig
from db.scores import import_preferences, import_scores
from db.uploads import store_file


def load_demo(engine: Engine, settings: Settings, who: str) -> int:
    """Load the demo with its recorded scores and preferences; the one already loaded is found again.

    Returns:
        The dataset's id.
    """
    if known := find_demo(engine):
        return known.id
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
    score_run = import_scores(engine, dataset_id, demo.scores_path(), RunConfig("score"), who)
    judged = RunConfig("correct", score_run_id=score_run, weak_candidates=True)
    import_preferences(engine, dataset_id, demo.preferences_path(), judged, who)
    return dataset_id
