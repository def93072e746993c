"""The thresholds as a person sets them: how gamma is chosen, and each number as a slider with a box beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import streamlit as st

from clear_core.propose import MEDIAN, Gamma, Thresholds
from db.records import Scope
from pages.parts.steering import steer

Kind = Literal["median", "share", "value"]

KINDS: Final[dict[Kind, str]] = {"median": "Median", "share": "Keep a share", "value": "Value"}
_MEMORY: Final = "tuning"


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the controls stand.

    Attributes:
        kind: how gamma is chosen.
        value: gamma when it is a value, in [0, 1].
        share: share to keep when gamma is a share, in [0, 1].
        eta: in [0, 1].
        scope: what eta may replace.
    """

    kind: Kind
    value: float
    share: float
    eta: float
    scope: Scope

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds that these controls mean."""
        gamma = {"median": MEDIAN, "share": Gamma("share", self.share), "value": Gamma("value", self.value)}[self.kind]
        return Thresholds(gamma, self.eta, self.scope)


def setting_of(thresholds: Thresholds) -> Setting:
    """The controls for given thresholds."""
    gamma = thresholds.gamma
    kind: Kind = "median" if gamma == MEDIAN else gamma.kind
    value = gamma.amount if gamma.kind == "value" else 0.5
    share = gamma.amount if gamma.kind == "share" else 0.5
    return Setting(kind, value, share, thresholds.eta, thresholds.scope)


def current(start: Thresholds, stamp: object) -> Setting:
    """The controls as they stand in this session; they start anew from `start` whenever `stamp` changes."""
    memory: dict[str, Any] | None = st.session_state.get(_MEMORY)
    if memory is None or memory["stamp"] != stamp:
        memory = {"stamp": stamp, "setting": setting_of(start)}
        st.session_state[_MEMORY] = memory
    setting: Setting = memory["setting"]
    return setting


def unsaved(start: Thresholds, stamp: object) -> bool:
    """Whether this session has moved the controls away from `start` without saving them."""
    memory: dict[str, Any] | None = st.session_state.get(_MEMORY)
    return memory is not None and memory["stamp"] == stamp and memory["setting"].thresholds != start


def change(**values: Any) -> None:
    """Move controls; for callbacks."""
    memory: dict[str, Any] = st.session_state[_MEMORY]
    st.session_state[_MEMORY] = memory | {"setting": replace(memory["setting"], **values)}


def kind_control(setting: Setting) -> None:
    """Choose how gamma is set."""
    steer("tune_kind", setting.kind)
    st.segmented_control(
        "How gamma is chosen",
        list(KINDS),
        format_func=KINDS.__getitem__,
        key="tune_kind",
        required=True,
        on_change=lambda: change(kind=st.session_state["tune_kind"]),
        label_visibility="collapsed",
    )


def scope_control(setting: Setting) -> None:
    """Choose which rows eta may replace."""
    words = {"low": "Rows below gamma", "all": "All rows"}
    steer("tune_scope", setting.scope)
    st.segmented_control(
        "What may be replaced",
        list(words),
        format_func=words.__getitem__,
        key="tune_scope",
        required=True,
        on_change=lambda: change(scope=st.session_state["tune_scope"]),
        label_visibility="collapsed",
    )


@dataclass(frozen=True, slots=True)
class Number:
    """A number in [0, 1] that a slider and a box show; they follow each other.

    Attributes:
        name: key of the controls.
        label: what it is, for screen readers.
        at: where it stands; may have more digits than a step has, an untouched control does not round it.
        digits: decimals of a step; what comes out is rounded to them, so that counts agree with the number shown.
        moved: told the new number.
        titled: whether the slider shows its label.
    """

    name: str
    label: str
    at: float
    digits: int
    moved: Callable[[float], None]
    titled: bool = False


def slider(number: Number) -> None:
    """The number as a slider; arrow keys move it by one step."""
    key = f"tune_{number.name}"
    steer(key, round(number.at, number.digits))
    st.slider(
        number.label,
        0.0,
        1.0,
        key=key,
        label_visibility="visible" if number.titled else "collapsed",
        **_common(number, key),
    )


def box(number: Number) -> None:
    """The number as a box to type in; arrow keys move it by one step."""
    key = f"tune_{number.name}_box"
    steer(key, round(number.at, number.digits))
    label = f"{number.label}, as a number"
    st.number_input(label, 0.0, 1.0, key=key, width=150, label_visibility="collapsed", **_common(number, key))


def _common(number: Number, key: str) -> dict[str, Any]:
    return {
        "step": 10.0**-number.digits,
        "format": f"%.{number.digits}f",
        "on_change": _moved,
        "args": (key, number.digits, number.moved),
    }


def _moved(key: str, digits: int, moved: Callable[[float], None]) -> None:
    value = st.session_state[key]
    if value is not None:
        moved(round(float(value), digits))
