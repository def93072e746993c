"""The screen: thin Streamlit pages over db and clear_core."""
