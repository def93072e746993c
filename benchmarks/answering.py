"""Greedy answers of the embedded model, with or without a trained adapter, to many prompts at once (torch).

Prompts about one passage begin alike: what they share is read once. Needs the extra `train`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from clear_core.errors import InputError
from clear_core.llm.embedded_server import SYSTEM, weights_path
from clear_core.types import Example

BATCH: Final = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply.

    Attributes:
        text: what was said.
        cut: whether it was cut at the most tokens that were allowed.
    """

    text: str
    cut: bool


class Answerer:
    """The embedded model's weights in torch, loaded once; adapters come and go."""

    def __init__(self) -> None:
        import torch  # noqa: PLC0415 - an extra
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig  # noqa: PLC0415

        path = weights_path()
        if path is None:
            raise InputError("The embedded model's weights are not installed.", "Run `make setup`.")
        place: dict[str, Any] = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
        self._tokenizer = AutoTokenizer.from_pretrained(**place)
        self._model = AutoModelForCausalLM.from_pretrained(
            **place, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
        ).eval()

    def answers(self, examples: Sequence[Example], adapter: Path | None, most: int) -> list[Answer]:
        """One reply at temperature 0 to each example's prompt, in order.

        Args:
            examples: the prompts; neighbours that begin alike are read together.
            adapter: folder of a trained adapter as peft saves it; None for the base model.
            most: tokens of a reply.
        """
        import torch  # noqa: PLC0415
        from peft import PeftModel  # noqa: PLC0415

        model = self._model if adapter is None else PeftModel.from_pretrained(self._model, adapter).eval()
        prompts = [self._tokens(example) for example in examples]
        with torch.inference_mode():
            replies = [
                reply
                for start in range(0, len(prompts), BATCH)
                for reply in self._greedy(model, prompts[start : start + BATCH], most)
            ]
        if adapter is not None:
            self._model = model.unload()
        return replies

    def _tokens(self, example: Example) -> list[int]:
        turns = [{"role": "system", "content": SYSTEM}]
        turns += [{"role": turn.role, "content": turn.content} for turn in example.prompt]
        text = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return list(self._tokenizer(text, add_special_tokens=False).input_ids)

    def _greedy(self, model: Any, prompts: Sequence[Sequence[int]], most: int) -> list[Answer]:
        import torch  # noqa: PLC0415

        end = self._tokenizer.eos_token_id
        heads, group_of = shared(prompts)
        ids, seen = self._padded(heads)
        cache = model(ids, attention_mask=seen, position_ids=_places(seen), logits_to_keep=1).past_key_values
        chosen = torch.tensor(group_of)
        cache.batch_select_indices(chosen)
        ids, more = self._padded([p[len(heads[group]) :] for p, group in zip(prompts, group_of, strict=True)])
        seen = torch.cat([seen[chosen], more], dim=1)
        said: list[list[int]] = [[] for _ in prompts]
        speaking = torch.arange(len(prompts))
        for _ in range(most):
            places = _places(seen)[:, -ids.shape[1] :]
            out = model(ids, attention_mask=seen, position_ids=places, past_key_values=cache, logits_to_keep=1)
            ids = out.logits[:, -1].argmax(dim=-1, keepdim=True)
            for number, token in zip(speaking.tolist(), ids[:, 0].tolist(), strict=True):
                said[number].append(token)
            going_on = (ids[:, 0] != end).nonzero()[:, 0]
            if not len(going_on):
                break
            cache.batch_select_indices(going_on)
            speaking, ids = speaking[going_on], ids[going_on]
            seen = torch.cat([seen[going_on], torch.ones_like(ids)], dim=1)
        texts = self._tokenizer.batch_decode(said, skip_special_tokens=True)
        return [Answer(text.strip(), end not in tokens) for text, tokens in zip(texts, said, strict=True)]

    def _padded(self, rows: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        """Token ids with padding to the left, and 1 where there is a token."""
        import torch  # noqa: PLC0415

        width = max(map(len, rows))
        pad = self._tokenizer.pad_token_id
        ids = [[pad] * (width - len(row)) + list(row) for row in rows]
        there = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
        return torch.tensor(ids), torch.tensor(there)


def shared(prompts: Sequence[Sequence[int]]) -> tuple[list[Sequence[int]], list[int]]:
    """What neighbours begin with in common, at least half of each and never the whole, and each prompt's group."""
    heads: list[Sequence[int]] = []
    group_of: list[int] = []
    for prompt in prompts:
        common = _beginning(heads[-1], prompt[:-1]) if heads else []
        if 2 * len(common) >= len(prompt) and 2 * len(common) >= len(heads[-1]):
            heads[-1] = common
        else:
            heads.append(list(prompt[:-1]))
        group_of.append(len(heads) - 1)
    return heads, group_of


def _beginning(one: Sequence[int], other: Sequence[int]) -> list[int]:
    return [token for token, _ in takewhile(lambda both: both[0] == both[1], zip(one, other, strict=False))]


def _places(seen: Any) -> Any:
    return (seen.cumsum(1) - 1).clamp(min=0)
