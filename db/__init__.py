"""The review database: the only room that speaks SQL. Its rows never leave it; frozen records do."""
