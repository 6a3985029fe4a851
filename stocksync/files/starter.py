"""The configuration file that `stocksync init` writes for a merchant to fill in."""

from typing import Final

_STARTER: Final = """\
# stocksync: which stores you have, and how to reach them.
#
# ${NAME} is replaced by the environment variable NAME (write $${ for a plain ${).
# A secret may also come from a file that only you can read: write password_file: /path/to/file
# in place of password. Times are written 30s, 5m, 1h or 1d. Look it over with: stocksync check

# Where the books are kept: a file beside this one, or postgresql://user:password@host/name
database: sqlite:///stocksync.db

# The folder with your rules: buffers, shares, caps, bundles.
rules: rules/

# The pages and the API. Without a token they can be served on this machine only.
http:
  host: 127.0.0.1
  port: 8080
  # token: ${STOCKSYNC_TOKEN}

# Take out the stores that you do not have.
#
# Every store may also say:
#   role           channel  its changes are sales and returns (what you want, mostly)
#                  master   its number is the truth
#                  mirror   whatever changes there is put back
#                  observe  it is read and never written
#   first_contact  hold     show me the first plan and wait until I approve it
#                  push     write the first plan as it stands
#                  adopt    take over its quantities for products not known yet
#   poll           how often to look for changes           (60s)
#   sweep          how often to compare everything         (1h)
#   orders         yes or no: read its orders, so that every unit sold is known by its order and
#                  none is guessed from two levels  (yes; B2B Wave: no; Ideal Factory has none)
#   time_zone      the clock of the store; REC+ writes its orders by it        (UTC)
#   rate           at most so many requests in a second    (what the platform allows)
#   concurrency    at most so many requests at once        (what the platform allows)
stores:
  # REC+
  - id: shop
    platform: recplus
    url: https://shop.example
    username: ${SHOP_USERNAME}
    password: ${SHOP_PASSWORD}
    role: channel
    first_contact: hold
    poll: 60s
    sweep: 1h
    time_zone: Europe/London

  # B2B Wave. Where it has several warehouses, name the one behind each of your locations:
  #   location_ids: {main: 1, outlet: 2}
  - id: trade
    platform: b2bwave
    url: https://trade.example
    app_code: ${TRADE_APP_CODE}
    token: ${TRADE_TOKEN}

  # Freewebstore. If it refuses our writes, try the other shape: write_shape: core
  - id: web
    platform: freewebstore
    url: https://api.freewebstore.com
    api_key: ${WEB_KEY}

  # Simvoly, or a product made from it. update_method (PUT, POST or PATCH) and base_path
  # (/api/site) are there for the ones that differ.
  - id: site
    platform: simvoly
    url: https://site.example
    api_key: ${SITE_KEY}

  # Ideal Factory. It keeps no quantities: rules/40-availability.yaml says which of its
  # products to switch off when the stock behind them runs out.
  - id: print
    platform: idealfactory
    url: https://oms.example
    token: ${OMS_TOKEN}
"""


def starter_configuration() -> str:
    """Return a `stocksync.yaml` with one store of each platform, its secrets in variables."""
    return _STARTER
