"""The script that Streamlit runs: the navigation and the look.

It lives here because a folder `pages` beside it would make a first deep link run the page without this script.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.parts import address

PARTS = Path(__file__).resolve().parent

st.set_page_config(page_title="CLEAR Review", page_icon=PARTS / "mark.svg", layout="wide")
st.logo(PARTS / "logo.svg", size="medium")
st.html(PARTS / "look.css")
st.html(PARTS / "curate.css")
address.keep()

st.navigation(
    [
        st.Page(
            address.PAGES / "datasets.py",
            title="Datasets",
            default=True,
            help="Upload a dataset, see its rows and their problems, or load the demo.",
        ),
        st.Page(
            address.PAGES / "score.py",
            title="Score",
            help="Give every example a confidence, by the embedded model or an endpoint of yours.",
        ),
        st.Page(
            address.PAGES / "correct.py",
            title="Correct",
            help="Have a model write a candidate response, and a judge compare it with the given one.",
        ),
        st.Page(
            address.PAGES / "tune.py",
            title="Tune",
            help="Set the thresholds and see at once what they keep, drop and replace.",
        ),
        st.Page(
            address.PAGES / "review.py",
            title="Review",
            help="Decide on the proposed drops and replacements, one at a time.",
        ),
        st.Page(
            address.PAGES / "export.py",
            title="Export",
            help="Download the curated dataset, its manifest and the decisions.",
        ),
        st.Page(
            address.PAGES / "train.py",
            title="Train",
            help="Fine-tune a model on what a policy keeps: here, at an endpoint, or elsewhere.",
        ),
        st.Page(
            address.PAGES / "rounds.py",
            title="Rounds",
            help="What each round came to, side by side; compare two sets of scores.",
        ),
    ],
    position="top",
).run()
