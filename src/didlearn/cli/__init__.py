"""The command line: one file a command, flags made from what the audit and the checks declare."""
