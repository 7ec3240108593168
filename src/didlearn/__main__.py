"""``python -m didlearn``."""

from didlearn.cli import main

main()
