"""Every error a user can meet: a message that says what is wrong and where, and a hint that says what to do."""

from __future__ import annotations


class ClearError(Exception):
    """Base of all errors of CLEAR Review.

    Args:
        message: what is wrong and where (file, row, field), for a person.
        hint: what that person can do about it; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(ClearError):
    """A file, a field mapping or an argument that can't be used."""


class SettingsError(ClearError):
    """A setting of the environment that can't be used."""


class ThresholdError(ClearError):
    """A gamma or eta that is not a threshold."""


class StateError(ClearError):
    """Something asked of a dataset, run, policy or decision that its state does not allow."""


class TrainingError(ClearError):
    """A fine-tuning that failed; what it had learned up to its last checkpoint is kept."""


class BudgetError(ClearError):
    """The hard cap on calls is reached; everything finished so far is kept."""


class LLMError(ClearError):
    """A call that gave no usable reply.

    Args:
        message: what the endpoint did, for a person; never holds a key.
        hint: what to do about it.
        problem: the named problem that a score row records (one of `clear_core.types.PROBLEMS`).
        retryable: whether the same call can succeed later.
        fatal: whether every further call of the run would fail alike (bad key, unknown model).
        may_be_billed: whether the endpoint may bill the call. Only a call that was never sent, or that the endpoint
            refused in so many words, is surely free; a hang-up or a gateway's time-out is not.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        problem: str,
        retryable: bool = False,
        fatal: bool = False,
        may_be_billed: bool = True,
    ) -> None:
        super().__init__(message, hint)
        self.problem = problem
        self.retryable = retryable
        self.fatal = fatal
        self.may_be_billed = may_be_billed
