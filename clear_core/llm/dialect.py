"""What an endpoint takes of a request's fields: each is left out or spelt otherwise once the endpoint says so."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Literal

from clear_core.llm.port import ChatRequest

TURNED_DOWN: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY})
"""How endpoints answer a field that they do not take; some forbid log-probabilities."""
NAMES_N: Final = re.compile(r"(?<![\\\w-])n(?![\w-])|\bbest_of\b|\bcandidate|\bmultiple (?:choices|completions)\b")
"""An endpoint's words, in small type, on a request whose `n` it does not take."""
log = logging.getLogger(__name__)


class Dialect:
    """The fields that an endpoint takes, as far as it has told.

    Args:
        model: the model's name, for the log.

    Attributes:
        gives_many: whether one request may ask for several choices.
    """

    def __init__(self, model: str) -> None:
        self.gives_many = True
        self._model = model
        self._length: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
        self._temperature = True
        self._logprobs = True

    def fields(self, request: ChatRequest, many: int) -> dict[str, Any]:
        """A request's fields beside its model and messages, for `many` choices."""
        fields: dict[str, Any] = {self._length: request.max_tokens}
        if self._temperature:
            fields["temperature"] = request.temperature
        if request.top_logprobs and self._logprobs:
            fields |= {"logprobs": True, "top_logprobs": request.top_logprobs}
        if many > 1:
            fields["n"] = many
        return fields

    def learn(self, status: int, said: str, sent: Mapping[str, Any]) -> bool:
        """Whether the endpoint asks for other fields than it was sent; it gets them from now on.

        One that takes no `n` is noted too, but then it is another request that must be sent.

        Args:
            status: the HTTP status of its refusal.
            said: its words and the parameter it names.
            sent: the fields of this request: others under way may have learnt the same before.
        """
        said = said.lower()
        if status in TURNED_DOWN and "logprob" in said and "logprobs" in sent:
            if self._logprobs:
                log.warning("%s gives no log-probabilities: letters count as they stand.", self._model)
            self._logprobs = False
            return True
        # Some end with a failure of their own instead of a refusal; the next try is then another request.
        refuses = status in TURNED_DOWN or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if refuses and "n" in sent and NAMES_N.search(said):
            self.one_by_one("it takes no n")
            return False
        if status != HTTPStatus.BAD_REQUEST:
            return False
        if "max_completion_tokens" in said and "max_tokens" in sent:
            self._length = "max_completion_tokens"
            return True
        if "temperature" in said and "support" in said and "temperature" in sent:
            if self._temperature:
                log.warning("%s takes no temperature: it answers at its own.", self._model)
            self._temperature = False
            return True
        return False

    def one_by_one(self, why: str) -> None:
        """Never ask for several choices again."""
        if self.gives_many:
            self.gives_many = False
            log.warning("%s is asked for its samples one by one: %s.", self._model, why)
