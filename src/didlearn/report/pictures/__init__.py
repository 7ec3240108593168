"""Pictures on a page: which are shown, and as what bytes."""
