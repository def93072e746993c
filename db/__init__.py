"""The store: datasets, runs, policies and decisions in one SQL database."""
