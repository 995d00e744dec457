"""`python -m paretoprune`."""

from paretoprune.cli import main

if __name__ == "__main__":
    main()
