"""Fine-tuning by OpenAI's API: uploaded once, created once, watched from where one is, and every failure in words."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import pytest

from clear_core.errors import ClearError, InputError, LLMError, TrainingError
from clear_core.llm.openai_chat import OpenAIChat
from clear_core.llm.port import ChatRequest
from clear_core.llm.stub import StubEndpoint, served
from clear_core.llm.stub_tuning import StubTuning
from clear_core.train.openai_tuning import OpenAITuner
from clear_core.train.port import Progress, Trained
from clear_core.train.settings import TrainSettings
from clear_core.types import Example, Message

KEY = "sk-test-0123456789"
ROWS = [Example(str(n), n, (Message("user", f"What is {n} + 1?"),), str(n + 1)) for n in range(12)]


def settings(base_url: str, **more: Any) -> TrainSettings:
    return TrainSettings("openai", base="small", base_url=base_url, suffix="clear", **more)


def tuner(base_url: str, **more: Any) -> OpenAITuner:
    return OpenAITuner(settings(base_url, **more), KEY, poll_seconds=0.001)


async def through(
    trainer: OpenAITuner, rows: list[Example] = ROWS, state: Mapping[str, Any] | None = None
) -> tuple[list[Progress], Trained]:
    told = [item async for item in trainer.train(rows, state or {})]
    assert isinstance(told[-1], Trained)
    return [item for item in told if isinstance(item, Progress)], told[-1]


def test_a_training_goes_from_upload_to_a_model_that_answers() -> None:
    async def main() -> None:
        endpoint = StubEndpoint({"What is 1 + 1?": "2"})
        async with served(endpoint) as base_url:
            told, trained = await through(tuner(base_url, epochs=2))
            assert trained.model is not None
            assert (trained.model.base_url, trained.model.model) == (base_url, "ft:small:stub:clear:1")
            chat = OpenAIChat(base_url, trained.model.model, KEY)
            reply = await chat.complete(ChatRequest((Message("user", "What is 1 + 1?"),), "candidate", "1"))
            await chat.close()
        assert reply.text == "2"
        assert [p.phase for p in told if p.phase != "training"][:2] == ["uploading", "uploading"]
        assert [(p.step, p.total, p.loss) for p in told if p.loss is not None] == [
            (1, 3, 2.0),
            (2, 3, 1.0),
            (3, 3, 0.67),
        ]
        assert trained.facts["examples"] == 12
        assert trained.facts["hyperparameters"] == {"n_epochs": 2}
        assert KEY not in repr(told) + repr(trained)

    asyncio.run(main())


def test_what_is_uploaded_teaches_the_last_assistant_turn_alone() -> None:
    turns = (Message("user", "Hi"), Message("assistant", "Hello"), Message("tool", "12 °C"))
    rows = [*ROWS, Example("x", 12, turns, "Cold"), Example("y", 13, turns, "  ")]

    async def main() -> None:
        endpoint = StubEndpoint()
        async with served(endpoint) as base_url:
            _, trained = await through(tuner(base_url), rows)
        lines = endpoint.tuning.files["file-1"]["content"].splitlines()
        assert json.loads(lines[-1])["messages"] == [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello", "weight": 0},
            {"role": "user", "content": "[tool]\n12 °C"},
            {"role": "assistant", "content": "Cold"},
        ]
        assert trained.facts["left_out"] == {"blank": 1}

    asyncio.run(main())


@pytest.mark.parametrize("looks", range(9))
def test_wherever_the_watching_ended_it_goes_on_with_no_second_file_or_job(looks: int) -> None:
    async def main() -> None:
        endpoint = StubEndpoint()
        async with served(endpoint) as base_url:
            state: Mapping[str, Any] = {}
            left = looks
            async with aclosing(tuner(base_url).train(ROWS, {})) as stream:
                async for item in stream:
                    assert isinstance(item, Progress)
                    state = json.loads(json.dumps(item.state))
                    if left == 0:
                        break
                    left -= 1
            told, trained = await through(tuner(base_url), state=state)
        assert trained.model is not None
        assert (len(endpoint.tuning.files), len(endpoint.tuning.jobs)) == (1, 1)
        messages = [p.told for p in told if p.told]
        assert len(messages) == len(set(messages)), "no event is told twice"

    asyncio.run(main())


@pytest.mark.parametrize("lost", [1, 2])
def test_a_file_or_job_whose_answer_was_lost_is_found_again(lost: int) -> None:
    async def main() -> None:
        endpoint = StubEndpoint(tuning=StubTuning(lost=lost))
        async with served(endpoint) as base_url:
            for _ in range(lost):
                with pytest.raises(LLMError, match="hung up"):
                    await through(tuner(base_url))
            await through(tuner(base_url))
        assert (len(endpoint.tuning.files), len(endpoint.tuning.jobs)) == (1, 1)

    asyncio.run(main())


def test_a_job_is_found_behind_the_first_page_of_a_long_list() -> None:
    async def main() -> None:
        endpoint = StubEndpoint()
        async with served(endpoint) as base_url:
            await through(tuner(base_url))
            for number in range(230):
                endpoint.tuning.jobs[f"other-{number}"] = {"id": f"other-{number}", "status": "of another kind"}
            await through(tuner(base_url))
        assert len(endpoint.tuning.jobs) == 231

    asyncio.run(main())


def test_other_examples_or_settings_are_another_training() -> None:
    async def main() -> None:
        endpoint = StubEndpoint()
        async with served(endpoint) as base_url:
            told, _ = await through(tuner(base_url))
            with pytest.raises(InputError, match="not those that this training began with"):
                await through(tuner(base_url), ROWS[1:], told[-1].state)
            await through(tuner(base_url, seed=1))
        assert len(endpoint.tuning.jobs) == 2

    asyncio.run(main())


def test_a_job_that_fails_tells_why() -> None:
    async def main() -> None:
        async with served(StubEndpoint()) as base_url:
            with pytest.raises(TrainingError, match=r"3 example\(s\), but must have at least 10"):
                await through(tuner(base_url), ROWS[:3])
        async with served(StubEndpoint(tuning=StubTuning(failing=f"Out of {KEY}."))) as base_url:
            with pytest.raises(TrainingError, match=r"ftjob-1 failed: Out of ….") as failed:
                await through(tuner(base_url))
        assert KEY not in str(failed.value)

    asyncio.run(main())


def test_cancelling_ends_the_job_and_a_new_one_can_begin() -> None:
    async def main() -> None:
        endpoint = StubEndpoint(tuning=StubTuning(steps=1000))
        async with served(endpoint) as base_url:
            trainer = tuner(base_url)
            async with aclosing(trainer.train(ROWS, {})) as stream:
                async for item in stream:
                    assert isinstance(item, Progress)
                    if item.phase == "training":
                        break
            await trainer.cancel(item.state)
            await trainer.cancel(item.state)
            assert endpoint.tuning.jobs["ftjob-1"]["status"] == "cancelled"
            with pytest.raises(TrainingError, match="was cancelled"):
                await through(trainer, state=item.state)
            async with aclosing(trainer.train(ROWS, {})) as stream:
                async for item in stream:
                    assert isinstance(item, Progress)
                    if item.phase == "training":
                        break
        assert len(endpoint.tuning.jobs) == 2
        assert len(endpoint.tuning.files) == 1

    asyncio.run(main())


def test_a_job_of_which_nothing_was_noted_is_cancelled_too() -> None:
    async def main() -> None:
        endpoint = StubEndpoint(tuning=StubTuning(lost=2))
        async with served(endpoint) as base_url:
            trainer, noted = tuner(base_url), list[Mapping[str, Any]]()
            await trainer.cancel({})

            async def watch() -> None:
                async for item in trainer.train(ROWS, {}):
                    assert isinstance(item, Progress)
                    noted.append(item.state)

            for _ in range(2):
                with pytest.raises(LLMError, match="hung up"):
                    await watch()
            assert "job" not in noted[-1]
            await trainer.cancel(noted[-1])
        assert endpoint.tuning.jobs["ftjob-1"]["status"] == "cancelled"

    asyncio.run(main())


def test_a_watcher_outlasts_an_endpoint_that_is_away_for_a_while() -> None:
    async def main() -> None:
        endpoint = StubEndpoint(tuning=StubTuning(steps=1))
        async with served(endpoint) as base_url:
            port = int(base_url.rsplit(":", 1)[1].split("/")[0])
            stream = tuner(base_url).train(ROWS, {})
            async for item in stream:
                if isinstance(item, Progress) and item.phase == "training":
                    break
        rest = asyncio.create_task(anext(stream))
        await asyncio.sleep(0.05)
        async with served(endpoint, port):
            items = [await rest, *[item async for item in stream]]
        assert isinstance(items[-1], Trained)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("base_url", "problem"),
    [("http://169.254.169.254/v1", "metadata"), ("ftp://host", "http"), ("http://u:p@host/v1", "password")],
)
def test_an_address_that_is_no_endpoint_is_refused(base_url: str, problem: str) -> None:
    with pytest.raises(ClearError, match=problem):
        OpenAITuner(settings(base_url), KEY)


def test_an_endpoint_without_fine_tuning_is_told() -> None:
    async def main() -> None:
        async with served(StubEndpoint()) as base_url:
            with pytest.raises(LLMError, match="404") as failed:
                await through(tuner(base_url + "/nowhere"))
        assert failed.value.fatal

    asyncio.run(main())
