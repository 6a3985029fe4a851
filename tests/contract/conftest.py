"""Let failing clauses show what they compared."""

import pytest

for name in ("clauses", "wire_clauses", "paging_clauses", "order_clauses", "order_wire_clauses"):
    pytest.register_assert_rewrite(f"tests.contract.{name}")
