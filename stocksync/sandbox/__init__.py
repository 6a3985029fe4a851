"""Five fake stores, one per platform, with shoppers and switchable faults, for tests and demos."""
