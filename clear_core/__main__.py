"""`python -m clear_core` is `clear-review`."""

from clear_core.cli import main

if __name__ == "__main__":
    main()
