"""B2B Wave records: products as its manual shows them (seeds/001), orders as clients saw them."""

from datetime import UTC, datetime
from typing import Any, Final

from stocksync.sandbox.items import Item
from stocksync.sandbox.orders import Order

_PRODUCT: Final[dict[str, Any]] = {
    "description": "",
    "status_id": 1,
    "category_id": 1,
    "promote_category": False,
    "promote_front": False,
    "price1": None,
    "price2": None,
    "price3": None,
    "created_at": "2016-09-11T20:05:07.000Z",
    "image_file_name": None,
    "image_content_type": None,
    "image_file_size": None,
    "image_updated_at": None,
    "old_id": None,
    "minimum_quantity": "0.0",
    "vat_class_id": 1,
    "meta_description": None,
    "measurement_unit_id": None,
    "package_quantity": None,
    "has_variants": False,
    "code_upc": "",
    "import_image_url": None,
    "import_image_url_updated_at": None,
    "import_uuid": None,
    "manufacturer_id": None,
    "price_msrp": None,
    "tag_line": None,
    "gallery_image_urls": [],
    "category_path": "Sample Category 2",
}


#: The first five are those of a new shop; a merchant has added the last.
STATUSES: Final = {
    1: "Temporary",
    2: "Submitted",
    3: "Awaiting Payment",
    4: "Being Prepared",
    5: "Sent",
    6: "Cancelled",
}


def listed_product(item: Item, *, shows_quantity: bool = True) -> dict[str, Any]:
    """Write a product as the list shows it; the manual's own example has no quantity."""
    stock = {
        "quantity": item.quantity,
        "quantity_monitor": item.quantity_monitor,
        "can_backorder": item.can_backorder,
    }
    return {**_common(item), "image_url": "", **(stock if shows_quantity else {})}


def written_product(item: Item) -> dict[str, Any]:
    """Write a product as the answer to a write shows it."""
    return {
        **_common(item),
        "quantity": item.quantity,
        "quantity_monitor": item.quantity_monitor,
    }


def _common(item: Item) -> dict[str, Any]:
    return {
        **_PRODUCT,
        "id": item.product_id,
        "name": item.title,
        "part_number": item.code,
        "code": item.code,
        "is_active": item.active,
        "updated_at": zulu(item.changed_at),
        "image_updated_at": None,
        "product_variants": [
            {
                "code": code,
                "option_values": [
                    {"option": name, "value": value} for name, value in options.items()
                ],
            }
            for code, options in item.variant_codes.items()
        ],
    }


def order_statuses() -> list[dict[str, Any]]:
    """List what an order may be; a merchant can edit all of it."""
    return [
        {"order_status": {"id": number, "name": name, "is_temp": name == "Temporary"}}
        for number, name in STATUSES.items()
    ]


def order(placed: Order) -> dict[str, Any]:
    """Write an order, wrapped, with wrapped lines and decimal quantities; a cart is temporary."""
    status = _status_number(placed)
    return {
        "order": {
            "id": placed.order_id,
            "submitted_at": zulu(placed.placed_at),
            "status_order_id": status,
            "status_order_name": placed.status or STATUSES[status],
            "customer_email": "buyer@example.com",
            "total_quantity": f"{placed.units}.0",
            "is_paid": True,
            "order_products": [
                {
                    "order_product": {
                        "product_code": line.code,
                        "product_name": line.title,
                        "quantity": f"{line.units}.0",
                        "price": f"{line.price:.2f}",
                        "final_price": f"{line.price * line.units:.2f}",
                    }
                }
                for line in placed.lines
            ],
        }
    }


def _status_number(placed: Order) -> int:
    if placed.is_cart:
        return 1
    return 6 if placed.is_cancelled else 2


def zulu(moment: datetime | None) -> str | None:
    """Write a moment as this platform does: UTC, milliseconds, Z."""
    if moment is None:
        return None
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
