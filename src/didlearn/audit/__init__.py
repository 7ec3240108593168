"""The flow in one place: what is asked (`spec`), what is audited (`subject`), the questions (`check`), and the run."""
