"""The files that people write: how they are read, and what is said when they are wrong."""
