"""Policies: the thresholds at hand saved under a name and version, and the list of those saved before."""

from __future__ import annotations

import streamlit as st

from clear_core.errors import ClearError
from db.policies import list_policies, save_policy
from db.records import PolicyRecord
from pages.parts import address
from pages.parts.basis import Basis
from pages.parts.errors import show_error
from pages.parts.shell import engine, reviewer
from pages.parts.text import ago, escaped
from pages.parts.threshold import Setting


def bar(at_hand: Basis, setting: Setting, gamma: float) -> None:
    """Say whether the thresholds are saved; save them, go on with them, or open those saved before.

    Args:
        at_hand: what the thresholds stand on.
        setting: where the controls stand.
        gamma: gamma as a number, as it cuts now.
    """
    saved = at_hand.policy is not None and at_hand.policy.thresholds == setting.thresholds
    known = list_policies(engine(), at_hand.dataset.id)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="policy"):
        st.html(_words(at_hand, setting, gamma, saved=saved), width="content")
        if saved:
            address.page_link("review", "Review what it proposes", icon=":material/rate_review:")
        else:
            with st.popover("Save as policy", icon=":material/bookmark_add:", type="primary"):
                _save(at_hand, setting, gamma)
        if known:
            with st.popover(f"Policies {len(known):,}", icon=":material/bookmarks:"):
                for policy in known:
                    _line(policy, is_open=at_hand.policy is not None and policy.id == at_hand.policy.id)


def _words(at_hand: Basis, setting: Setting, gamma: float, *, saved: bool) -> str:
    if at_hand.policy is None:
        name, state = "Thresholds", "not saved as a policy"
    else:
        name, state = escaped(at_hand.name), "saved" if saved else "changed, not saved"
    tone = "cr-keep" if saved else "cr-quiet"
    return (
        f'<span class="cr-num"><b>{name}</b>: gamma {gamma:.3f}, eta {setting.eta:.3f} '
        f'<span class="{tone}">· {state}</span></span>'
    )


def _save(at_hand: Basis, setting: Setting, gamma: float) -> None:
    start = at_hand.policy.name if at_hand.policy else "policy"
    with st.form("save_policy", border=False):
        name = st.text_input("Name", value=start, max_chars=80, key=f"policy_name_{start}")
        st.caption("Saves these thresholds as the next version of that name. Review and export then use them.")
        pressed = st.form_submit_button("Save", type="primary")
    if not pressed:
        return
    thresholds = setting.thresholds
    try:
        policy = save_policy(
            engine(),
            dataset_id=at_hand.dataset.id,
            name=name,
            score_run_id=at_hand.score.id,
            correct_run_id=at_hand.correct.id if at_hand.correct else None,
            gamma=str(thresholds.gamma),
            gamma_value=gamma,
            eta=thresholds.eta,
            scope=thresholds.scope,
            created_by=reviewer(),
        )
    except ClearError as error:
        show_error(error)
        return
    address.put(policy=policy.id, run=None, correct=None)
    st.rerun()


def _line(policy: PolicyRecord, *, is_open: bool) -> None:
    scope = "rows below gamma" if policy.scope == "low" else "all rows"
    chosen = f" ({policy.gamma})" if policy.gamma != f"{policy.gamma_value:g}" else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(
            f'<div class="cr-line"><b>{escaped(policy.name)} v{policy.version}</b><span class="cr-quiet cr-num">'
            f"gamma {policy.gamma_value:.3f}{escaped(chosen)} · eta {policy.eta:.3f} · replaces {scope} · "
            f"{escaped(policy.created_by)}, {ago(policy.created_at)}</span></div>"
        )
        st.button(
            "Open",
            key=f"policy_{policy.id}",
            disabled=is_open,
            on_click=lambda: address.put(policy=policy.id, run=None, correct=None),
        )
