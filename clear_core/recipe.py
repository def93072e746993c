"""How a confidence is made: which measure, which similarity, how many samples, which weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clear_core import confidence, prompts
from clear_core.errors import InputError
from clear_core.llm.port import LLM, LikelihoodLLM
from clear_core.similarity import has_embedding, known


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a confidence is made; two scores compare only under the same recipe.

    Attributes:
        measure: "bsdetector" (consistency and self-reflection) or "likelihood" (likelihood gain and consistency).
        similarity: name of s_j, see `clear_core.similarity`.
        samples: k; 0 only with "likelihood", which then stands alone.
        temperature: of the samples.
        alpha: weight of the similarity against the exact match within O.
        beta: weight of O against S (bsdetector).
        likelihood_weight: weight of L against O (likelihood).
        prompt_version: version of the prompts' wording.
        nli: the MNLI checkpoint, by name or path; only with the similarity "nli".
        with_question: whether the NLI model sees the prompt before both texts (useful for short answers).
        labels: the closed set of labels that responses come from; a response among them is compared as a label.
        letter_probabilities: whether S comes from the probabilities of A, B and C where the endpoint gives them.
        together: whether a row's samples may be asked for in one request (`n`), where the endpoint takes that.
        stop_at: a fixed gamma; sampling stops once C is surely on one side of it. None asks for every sample.
    """

    measure: Literal["bsdetector", "likelihood"]
    similarity: str
    samples: int = 5
    temperature: float = 1.0
    alpha: float = confidence.ALPHA
    beta: float = confidence.BETA
    likelihood_weight: float = 0.5
    prompt_version: str = prompts.PROMPT_VERSION
    nli: str = ""
    with_question: bool = False
    labels: tuple[str, ...] = ()
    letter_probabilities: bool = True
    together: bool = True
    stop_at: float | None = None

    @property
    def explained(self) -> bool:
        """Whether samples explain first, so that only the answer parsed from each is compared."""
        return self.measure == "bsdetector"

    @property
    def by_field(self) -> bool:
        """Whether JSON is compared field by field: not with the embedded model, which samples only its beginning."""
        return self.measure == "bsdetector"

    @property
    def name(self) -> str:
        """The measure as a run records it, such as "bsdetector/embedding"."""
        return self.name_of(self.similarity)

    def name_of(self, measured: str) -> str:
        """The measure as a score records it: with how its own row was compared, such as "bsdetector/label"."""
        if self.measure == "bsdetector":
            return f"bsdetector/{measured}"
        return f"likelihood+consistency/{measured}" if self.samples else "likelihood"


def recipe_for(llm: LLM, samples: int = 5, similarity: str | None = None) -> Recipe:
    """The default recipe of a model: likelihood and consistency where it tells likelihoods, else BSDetector.

    Args:
        llm: the model that will be asked.
        samples: k, at least 0; at least 1 for BSDetector.
        similarity: name of s_j; None for the default.

    Raises:
        InputError: when the number of samples or the similarity can't be used.
    """
    if similarity is not None:
        known(similarity)
    if samples < 0:
        raise InputError(f"{samples} samples are asked for.", "Give 0 or more.")
    if isinstance(llm, LikelihoodLLM):
        return Recipe("likelihood", similarity or "answer_recall", samples)
    if samples == 0:
        raise InputError("BSDetector needs samples.", "Give 1 or more; only the embedded model scores without.")
    return Recipe("bsdetector", similarity or ("embedding" if has_embedding() else "token_f1"), samples)
