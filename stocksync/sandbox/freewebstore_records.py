"""Freewebstore records in the two shapes of its manual: listed and looked up (seeds/002 §2, §3)."""

from datetime import UTC, datetime
from typing import Any, Final

from stocksync.sandbox.items import Item
from stocksync.sandbox.orders import Order

_LISTED: Final[dict[str, Any]] = {
    "rrp": "2.99",
    "option_ids": ["12345", "12346"],
    "condition": "0",
    "categoryId": "12345",
    "disabled": False,
    "featured": False,
    "offer_price": 1.99,
    "tax_rate": 1,
    "tags": [],
    "is_option_stock": False,
    "hidden": False,
    "formId": "-1",
    "updatedon": "2019-10-16T11:03:20.137Z",
    "id": "12345",
    "name": "Product One",
    "image": "product_one.png",
    "price": 1.99,
    "sku": "PROD1",
    "created": "2010-03-31T15:18:47.78Z",
    "stock": 4,
    "rating": "75.0",
    "weight": "0.0g",
    "shipping": "-1.0",
    "hits": 0,
    "sold": 15,
    "stars": "4.0",
    "google_online": False,
    "supplierId": "-1",
    "brandId": "-1",
    "offer": True,
}
_PRODUCT: Final[dict[str, Any]] = {
    "stock_alert_level": -1,
    "attributes": [],
    "storeId": "111111",
    "avg_rating": 0,
    "id": 11111111,
    "name": "Product Name",
    "created": "2020-01-27T16:39:33.7412157",
    "code": "1",
    "stock": 0,
    "price": 0.01,
    "brand": 0,
    "condition": 0,
    "featured": True,
    "formId": -1,
    "supplierId": 0,
    "hidden": False,
    "active": False,
    "deleted": False,
    "is_stock_option": False,
    "is_image_option": False,
    "is_option": False,
    "live_price": 0.01,
    "base_price": 0.01,
    "postage": {"type": "free", "value": 0},
    "rating": {"value": 40, "explanation": "Google Shopping Rating HTML"},
    "weight": 0,
    "weight_units": "g",
    "wholesale_price": 0,
    "has_bulkrules": False,
    "google_eligible": {"value": False, "explanation": "Google Shopping Not Eligible Reason"},
    "is_dummy": False,
    "description_length": -1,
    "flag_desc": False,
    "vat": {"value": 30, "type": "custom"},
    "category": {"primary": 1111111, "name": "", "other": []},
    "discount": {"type": "none", "value": 0},
    "images": {"primary": ""},
    "google_category": "",
    "bulk_rules": [],
    "seo": {"title": "", "keywords": [], "description": ""},
    "notes": "",
    "related": [],
    "upi": {"ean": "", "mpn": "", "isbn": "", "upc": "", "google_exempt": False},
    "search_tags": [],
}
_LISTED_ORDER: Final[dict[str, Any]] = {
    "id": "12345",
    "created": "2013-08-15T13:40:06.997Z",
    "orderno": "1001",
    "status": 1,
    "method": "PayPal",
    "deliveryname": "",
    "tags": [""],
    "net": "2.8405",
    "discount": "0.0",
    "tax": "0.0",
    "postage": "1.0",
    "postagetax": "0.0",
    "total": "3.84",
    "trackingcodes": [""],
    "deleted": False,
    "customerId": "12345",
    "isnew": False,
    "isstarred": None,
    "isuploadedtokashflow": False,
    "isdispatched": False,
    "updatedon": None,
    "flux": None,
}
_ORDER: Final[dict[str, Any]] = {
    "storeid": "12345",
    "id": "12345",
    "customerId": "12345",
    "email": "user@domain.com",
    "orderNo": 1001,
    "created": "2013-08-15T13:40:06.997+00:00",
    "net": 2.8405,
    "tax": 0,
    "postage": 1,
    "postage_tax": 0,
    "discount": 0,
    "tax_rate": 0,
    "paybyotherid": -1,
    "paymentmethod": "PayPal",
    "reference": "abcdefg123",
    "ip": "1.2.3.4",
    "order_status": 1,
    "postage_audit": {"ruleId": -1, "method": 0, "totalWeight": 0, "net": 0, "tax": 0},
}


def listed_product(item: Item) -> dict[str, Any]:
    """Write a product as the list shows it: text ids, `sku`, `is_option_stock`."""
    return {
        **_LISTED,
        "id": str(item.product_id),
        "name": item.title,
        "sku": item.code,
        "stock": item.quantity,
        "price": item.price,
        "offer_price": item.price,
        "disabled": not item.active,
        "is_option_stock": item.is_option_stock,
        "option_ids": ["12345", "12346"] if item.is_option_stock else [],
        "updatedon": _zulu(item.changed_at),
    }


def product(item: Item) -> dict[str, Any]:
    """Write a product as a look-up shows it: number ids, `code`, `is_stock_option`."""
    return {
        **_PRODUCT,
        "id": item.product_id,
        "name": item.title,
        "code": item.code,
        "stock": item.quantity,
        "price": item.price,
        "live_price": item.price,
        "base_price": item.price,
        "active": item.active,
        "is_option": item.is_option_stock,
        "is_stock_option": item.is_option_stock,
    }


def listed_order(order: Order) -> dict[str, Any]:
    """Write an order as the list shows it: amounts are text, there are no lines."""
    return {
        **_LISTED_ORDER,
        "id": str(order.order_id),
        "created": _zulu(order.placed_at),
        "status": _status(order),
        "orderno": str(order.order_id),
        "net": str(order.total),
        "total": f"{order.total + 1:.2f}",
    }


def order_details(order: Order) -> dict[str, Any]:
    """Write an order as a look-up shows it: with its lines."""
    return {
        **_ORDER,
        "id": str(order.order_id),
        "orderNo": order.order_id,
        "created": order.placed_at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "order_status": _status(order),
        "net": order.total,
        "order_details": [
            {
                "productId": str(line.product_id),
                "productName": line.title,
                "sku": line.code,
                "description": line.title,
                "net": line.price,
                "tax": 0,
                "quantity": line.units,
                "options": [],
            }
            for line in order.lines
        ],
    }


def _status(order: Order) -> int:
    """Say where an order stands; no manual says which number means what."""
    if order.is_cart:
        return 0
    return 9 if order.is_cancelled else 1


def _zulu(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
