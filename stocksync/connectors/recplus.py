"""REC+ (Really Easy Cart): stock by product and variation code, a thousand rows a page.

Their words: *code* is our listing and code, *stock* (or `stock.qty`) our quantity. Paths and
fields are those of `seeds/000…` §Stock and §Products; what it leaves open is in `stores.md §1`.
"""

import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from stocksync.connectors.credentials import basic, needed
from stocksync.connectors.http import Answer, HttpLimits, StoreHttp, Transport, segment
from stocksync.connectors.recplus_answers import (
    Page,
    observed_product,
    observed_products,
    observed_stock,
    outcomes,
    page_of,
)
from stocksync.connectors.walk import Walk
from stocksync.contracts.connector import Capabilities, StoreAccount, WriteOutcome, WriteResult
from stocksync.domain.identifiers import ListingId, StoreId
from stocksync.domain.stock import Correction, Observation
