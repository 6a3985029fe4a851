"""The command line: what a person types, what they are told, and the exit code they get."""
