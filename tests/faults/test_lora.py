"""A local training: it learns, it can be paused and killed, and llama.cpp serves what torch has learned."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from extras import needs

from clear_core.errors import InputError, TrainingError
from clear_core.llm.embedded import EmbeddedModel, is_installed
from clear_core.llm.port import LikelihoodRequest
from clear_core.train.lora import LoraTrainer
from clear_core.train.port import Progress, Trained
from clear_core.train.settings import TrainSettings
from clear_core.types import Example, Message

needs("torch", "transformers", "peft", "accelerate", "gguf")

WORDS = ["red", "green", "blue", "one", "two", "three", "what", "is", "?"]
ROWS = [
    Example(f"{color}-{number}", place, (Message("user", f"what is {color} {number} ?"),), f"{number} {color}")
    for place, (color, number) in enumerate([(c, n) for c in WORDS[:3] for n in WORDS[3:6]])
]
TEMPLATE = (
    "{% for m in messages %}<s> {{ m['role'] }} {{ m['content'] }} </s>\n{% endfor %}"
    "{% if add_generation_prompt %}<s> assistant {% endif %}"
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random llama of two layers with a tokenizer of a few words, as `save_pretrained` lays it out."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    unknown, start, end = "<unk>", "<s>", "</s>"
    vocabulary = [unknown, start, end, "user", "assistant", *WORDS]
    words = Tokenizer(WordLevel({word: place for place, word in enumerate(vocabulary)}, unk_token=unknown))
    words.pre_tokenizer = WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token=start, eos_token=end, unk_token=unknown, chat_template=TEMPLATE
    ).save_pretrained(folder)
    torch.manual_seed(3)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=64,
            bos_token_id=1,
            eos_token_id=2,
        )
    ).save_pretrained(folder)
    return str(folder)


def settings(base: str, **more: Any) -> TrainSettings:
    chosen = {"epochs": 4, "batch_size": 3, "learning_rate": 0.02, "rank": 4, "save_every": 2, "max_tokens": 40}
    return TrainSettings(base=base, **{**chosen, **more})


async def through(
    trainer: LoraTrainer, rows: list[Example] = ROWS, state: Mapping[str, Any] | None = None
) -> tuple[list[Progress], Trained]:
    told = [item async for item in trainer.train(rows, state or {})]
    assert isinstance(told[-1], Trained)
    return [item for item in told if isinstance(item, Progress)], told[-1]


def steps(told: list[Progress]) -> list[tuple[int, float]]:
    return [(progress.step, progress.loss) for progress in told if progress.loss is not None]


async def until_step(trainer: LoraTrainer, step: int) -> Progress:
    """Train until a step is told, then pause."""
    async with aclosing(trainer.train(ROWS, {})) as stream:
        async for item in stream:
            assert isinstance(item, Progress)
            if item.step == step:
                return item
    raise AssertionError


def test_a_paused_training_ends_with_the_very_adapter_of_one_that_was_not(tiny: str, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    async def main() -> None:
        whole, trained = await through(LoraTrainer(settings(tiny), tmp_path / "whole"))
        assert [step for step, _ in steps(whole)] == list(range(1, 13))
        assert steps(whole)[-1][1] < steps(whole)[0][1]
        assert trained.model is None, "no one here serves another base than the embedded one"
        assert trained.facts["steps"] == 12
        paused = await until_step(LoraTrainer(settings(tiny), tmp_path / "paused"), 5)
        rest, _ = await through(LoraTrainer(settings(tiny), tmp_path / "paused"), state=paused.state)
        assert steps(rest)[-1] == steps(whole)[-1]
        assert steps(rest)[0][0] > 5, "no step is done again"

    asyncio.run(main())
    one, other = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("whole", "paused"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_finished_folder_is_trained_again_only_for_other_examples_and_tells_which_cannot_be_learned(
    tiny: str, tmp_path: Path
) -> None:
    rows = [
        *ROWS[:4],
        Example("long", 4, (Message("user", "what " * 60),), "one"),
        Example("empty", 5, (Message("user", "what"),), "  "),
        Example("control", 6, (Message("user", "what </s> is"),), "one"),
    ]

    async def main() -> None:
        trainer = LoraTrainer(settings(tiny, epochs=1), tmp_path)
        _, first = await through(trainer, ROWS[:3])
        assert await through(trainer, ROWS[:3]) == ([], first)
        told, trained = await through(trainer, rows)
        assert len(steps(told)) == 2
        assert trained.facts["examples"] == 4
        assert trained.facts["left_out"] == {"too_long": 1, "blank": 1, "control": 1}
        assert any("3 examples are left out" in progress.told for progress in told)
        with pytest.raises(InputError, match="not those that this training began with"):
            await through(trainer, state={"mark": "another"})

    asyncio.run(main())
    named = [json.loads(line)["id"] for line in (tmp_path / "left_out.jsonl").read_text().splitlines()]
    assert named == ["long", "empty", "control"]


def test_a_folder_without_a_checkpoint_is_told_in_words(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(TrainingError, match="The training failed"):
            await through(LoraTrainer(settings(str(tmp_path / "empty")), tmp_path / "out"))

    asyncio.run(main())


def test_a_training_that_ran_away_is_no_model(tiny: str, tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(TrainingError, match="no number any more"):
            await through(LoraTrainer(settings(tiny, learning_rate=1e30), tmp_path))

    asyncio.run(main())
    assert not (tmp_path / "facts.json").exists()


@pytest.mark.faults
def test_a_killed_process_loses_no_saved_step_and_says_so(tiny: str, tmp_path: Path) -> None:
    trainer = LoraTrainer(settings(tiny, epochs=400, save_every=1), tmp_path)

    async def killed(step: int) -> None:
        async for item in trainer.train(ROWS, {}):
            assert isinstance(item, Progress)
            if item.step == step:
                for pid in children():
                    os.kill(pid, signal.SIGKILL)

    async def main() -> None:
        with pytest.raises(TrainingError, match="ended before it was done"):
            await killed(4)
        async with aclosing(trainer.train(ROWS, {})) as stream:
            first = await anext(item async for item in stream if isinstance(item, Progress) and item.step)
        assert first.step >= 3

    asyncio.run(main())


def children() -> list[int]:
    told = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [pid for pid in map(int, told) if "lora_job" in Path(f"/proc/{pid}/cmdline").read_text()]


@pytest.mark.embedded
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.skipif(not is_installed(), reason="the embedded model is not installed")
def test_the_embedded_model_wears_what_was_trained(tmp_path: Path) -> None:
    import torch
    from peft import PeftModel

    from clear_core.train.lora_data import tokens_of
    from clear_core.train.lora_model import base_model

    rows = ROWS[:4]
    hot = TrainSettings(epochs=3, batch_size=4, learning_rate=0.005, rank=8, max_tokens=80)

    async def served() -> tuple[list[float], list[float]]:
        await through(LoraTrainer(hot, tmp_path / "colors"), rows)
        logprobs = []
        for adapter in (None, tmp_path / "colors"):
            llm = EmbeddedModel(adapter=adapter, context=512)
            reply = await llm.likelihood(LikelihoodRequest(rows[0].prompt, rows[0].response))
            logprobs.append(list(reply.logprobs))
            await llm.close()
        assert llm.model.endswith("(embedded) + colors")
        assert llm.host != EmbeddedModel().host
        return logprobs[0], logprobs[1]

    plain, worn = asyncio.run(served())
    model, tokenizer = base_model("")
    row = json.loads((tmp_path / "colors" / "rows.jsonl").read_text().splitlines()[0])
    tokens = tokens_of(tokenizer, row["messages"], 80)
    ids = torch.tensor([[*tokens.prompt, *tokens.response]])
    with torch.no_grad():
        logits = PeftModel.from_pretrained(model, tmp_path / "colors")(ids).logits[0, len(tokens.prompt) - 1 : -1]
    learned = logits.log_softmax(-1).gather(1, torch.tensor(tokens.response)[:, None])[:, 0].tolist()[: len(worn)]
    assert worn == pytest.approx(learned, abs=0.15)
    assert sum(worn) > sum(plain) + 3


def test_a_folder_without_an_adapter_cannot_be_worn(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no adapter"):
        EmbeddedModel(adapter=tmp_path)
