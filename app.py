"""The ASGI app: Streamlit's pages, and beside them the streamed routes for files too large for a widget."""

import gc

import streamlit as st

from pages.parts.errors import on_script_error
from pages.parts.problems_route import problems_route
from pages.parts.upload_route import upload_route

app = st.App("pages/parts/main.py", routes=[upload_route(), problems_route()], on_script_error=on_script_error)

# Streamlit's own collection after each rerun is off (.streamlit/config.toml). What is loaded by now stays for good:
# leave it out of the collections that remain.
gc.collect()
gc.freeze()
