"""Units of work: kept when they are finished, and sent to other machines where there are some."""
