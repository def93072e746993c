"""Starting workers as processes of their own, so that a closed tab or a dead server ends no run."""

from __future__ import annotations


def start_worker(run_id: int, *, url: str, api_key: str = "", candidate_api_key: str = "") -> int:
    """Start `python -m db worker RUN_ID` in its own session, at low priority.

    Keys and the database's URL travel through the worker's stdin, never through arguments or the environment.

    Args:
        run_id: a queued run.
        url: the database.
        api_key: key of the (judging) endpoint; may be empty.
        candidate_api_key: key of the candidates' endpoint; may be empty.

    Returns:
        The worker's process id.
    """
    raise NotImplementedError
