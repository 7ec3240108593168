"""``python -m didlearn``."""

from didlearn.cli.app import main

main()
