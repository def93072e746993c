"""The ASGI app: Streamlit's pages, and beside them the streamed routes for files too large for a widget."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from anyio import to_thread
from starlette.middleware import Middleware

from pages.parts.errors import on_script_error
from pages.parts.export_route import export_route
from pages.parts.headers import SecureHeaders
from pages.parts.problems_route import problems_route
from pages.parts.shell import pause_runs
from pages.parts.upload_route import upload_route


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """When the app is stopped in order, its running jobs are paused."""
    yield
    await to_thread.run_sync(pause_runs)


app = st.App(
    "pages/parts/main.py",
    routes=[upload_route(), problems_route(), export_route()],
    lifespan=lifespan,
    middleware=[Middleware(SecureHeaders)],
    on_script_error=on_script_error,
)

# Streamlit's own collection after each rerun is off (.streamlit/config.toml). What is loaded by now stays for good:
# leave it out of the collections that remain.
gc.collect()
gc.freeze()
