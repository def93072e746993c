"""The library of CLEAR Review: score, propose, apply; no screen, no SQL."""
