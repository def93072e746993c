"""Likelihoods of responses in every script: what the runtime tells by grammar, and by ratio where it can't."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.errors import LLMError
from clear_core.llm.embedded import EmbeddedModel, is_installed
from clear_core.llm.forcing import (
    LEAD,
    STAND_IN,
    Token,
    against_stand_in,
    stand_in,
    stretches,
    tokens_told,
    told_by_grammar,
    told_by_ratio,
)
from clear_core.llm.port import LikelihoodRequest
from clear_core.types import Message

embedded = [
    pytest.mark.embedded,
    pytest.mark.skipif(not is_installed(), reason="the embedded model is not installed (make setup)"),
]


@given(st.lists(st.booleans()))
def test_stretches_keep_every_token_and_leave_broken_ones_alone(wholes):
    tokens = [Token(number, whole) for number, whole in enumerate(wholes)]
    cut = stretches(tokens)
    assert [token for stretch in cut for token in stretch] == tokens
    assert all(len(stretch) == 1 or all(token.whole for token in stretch) for stretch in cut)


def test_a_piece_that_is_no_text_is_no_whole_token():
    answer = {"tokens": [{"id": 1, "piece": " ok"}, {"id": 2, "piece": [240, 159]}, {"id": 3, "piece": "\0"}]}
    assert [token.whole for token in tokens_told(answer)] == [True, False, False]


@given(st.floats(-30, -0.01), st.floats(-30, -0.01))
def test_ratio_gives_back_the_log_probability(wanted, other):
    own = {"completion_probabilities": [{"id": STAND_IN, "logprob": other}]}
    odds = math.exp(wanted - other - LEAD)
    top = [{"id": STAND_IN, "prob": 1 / (1 + odds)}, {"id": 7, "prob": odds / (1 + odds)}]
    ratio = {"completion_probabilities": [{"id": STAND_IN, "top_probs": top}]}
    assert told_by_ratio(own, ratio, Token(7, whole=False)) == pytest.approx(wanted, abs=1e-9)


def test_a_runtime_that_strays_is_a_named_problem():
    with pytest.raises(LLMError) as by_grammar:
        told_by_grammar({"completion_probabilities": [{"id": 8, "logprob": -1.0}]}, [Token(7, whole=True)])
    with pytest.raises(LLMError) as by_ratio:
        told_by_ratio({}, {}, Token(7, whole=False))
    assert by_grammar.value.problem == by_ratio.value.problem == "malformed"


class TestEmbeddedModel:
    pytestmark = embedded

    def test_every_script_has_a_finite_likelihood(self):
        texts = ["plain", "شقة للإيجار", "炊飯器がE4", "Danke 😀👍🏽", "קניתי שמלה", "a\0b"]

        async def likelihoods():
            model = EmbeddedModel()
            try:
                asked = [LikelihoodRequest((Message("user", "Say it."),), text) for text in texts]
                return await asyncio.gather(*(model.likelihood(request) for request in asked))
            finally:
                await model.close()

        for reply in asyncio.run(likelihoods()):
            assert reply.logprobs
            assert all(math.isfinite(value) and value <= 0 for value in reply.logprobs)

    def test_the_ratio_agrees_with_the_grammar_where_both_can_tell(self):
        async def both_ways():
            model = EmbeddedModel()
            try:
                prompt = await model._opening()
                reply = await model.likelihood(LikelihoodRequest((), "The parcel is late."))
                answer = await model._process.post("/tokenize", {"content": "The parcel is late.", "with_pieces": True})
                values = []
                for token in tokens_told(answer):
                    own = (await model._completion(stand_in(prompt), 100))[0]
                    ratio = (await model._completion(against_stand_in(prompt, token), 100))[0]
                    values.append(told_by_ratio(own, ratio, token))
                    prompt.append(token.id)
                return reply.logprobs, values
            finally:
                await model.close()

        by_grammar, by_ratio = asyncio.run(both_ways())
        # The runtime's arithmetic depends on how it batches tokens, by some hundredths of a nat.
        assert by_ratio == pytest.approx(by_grammar, abs=0.1)
