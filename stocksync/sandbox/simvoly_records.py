"""Simvoly records in the shape of its manual (seeds/003, products and orders)."""

from collections.abc import Sequence
from typing import Any, Final

from stocksync.sandbox.items import Item
from stocksync.sandbox.orders import Order, OrderLine

_ORDER: Final[dict[str, Any]] = {
    "id": 1234,
    "invoiceNo": 15,
    "created": 1573397217,
    "customerName": "John Doe",
    "customerEmail": "john@email.com",
    "contactId": 0,
    "memberId": 0,
    "shippingAddress": {
        "name": "string",
        "phone": "string",
        "companyName": "string",
        "companyId": "string",
        "country": "string",
        "state": "string",
        "city": "string",
        "zipCode": "string",
        "address": "string",
        "address2": "string",
    },
    "billingAddress": {
        "name": "string",
        "phone": "string",
        "companyName": "string",
        "companyId": "string",
        "country": "string",
        "state": "string",
        "city": "string",
        "zipCode": "string",
        "address": "string",
        "address2": "string",
    },
    "shippingRequired": True,
    "weight": 0,
    "weightUnit": "kg",
    "subTotal": 49,
    "total": 49,
    "discountCode": "string",
    "discountType": "fixed_discount",
    "discountAmount": 0,
    "shippingName": "string",
    "shippingAmount": 0,
    "paid": True,
    "paymentMethod": "stripe",
    "transactionId": "string",
    "status": "completed",
    "taxes": [],
    "tags": [],
    "additionalFields": [],
    "notes": [],
}
_LINE: Final[dict[str, Any]] = {
    "id": 123,
    "name": "Running Shoes",
    "url": "running-shoes",
    "productId": 24,
    "type": "physical",
    "sku": "string",
    "quantity": 1,
    "total": 49,
    "weight": 0,
    "width": 0,
    "height": 0,
    "length": 0,
    "shippingRequired": True,
    "variation": [],
    "additions": [],
}


def product(group: Sequence[Item]) -> dict[str, Any]:
    """Write a product; stock lives in its variants only, which have no id."""
    first = group[0]
    return {
        "id": first.product_id,
        "type": first.product_type,
        "title": first.title,
        "description": str(first.facts.get("description", "")),
        "url": f"product-{first.product_id}",
        "hidden": not first.active,
        "categories": [{"id": 1, "name": "Doors", "url": "doors", "parentCategory": 0}],
        "options": _options(group),
        "variants": [variant(item) for item in group],
        "subscription": {"cycles": 0, "period": 0, "periodUnit": "WEEKLY"},
    }


def variant(item: Item) -> dict[str, Any]:
    """Write one variant; its options are values in the order of the product's options."""
    return {
        "options": list(item.options.values()),
        "price": item.price,
        "onSale": item.on_sale,
        "regularPrice": item.regular_price,
        "salePrice": item.sale_price,
        "quantity": item.quantity,
        "sku": item.code or "",
        "weight": item.weight,
    }


def _options(group: Sequence[Item]) -> list[dict[str, Any]]:
    values: dict[str, dict[str, None]] = {}
    for item in group:
        for name, value in item.options.items():
            values.setdefault(name, {})[value] = None
    return [{"name": name, "values": list(seen), "advanced": True} for name, seen in values.items()]


def order(placed: Order) -> dict[str, Any]:
    """Write an order; statuses are lower case here, times are seconds since 1970."""
    return {
        **_ORDER,
        "id": placed.order_id,
        "invoiceNo": placed.order_id - 1000,
        "created": int(placed.placed_at.timestamp()),
        "subTotal": placed.total,
        "total": placed.total,
        "status": placed.status or ("canceled" if placed.is_cancelled else "completed"),
        "items": [_line(line) for line in placed.lines],
    }


def _line(line: OrderLine) -> dict[str, Any]:
    return {
        **_LINE,
        "id": line.line_id,
        "name": line.title,
        "url": f"product-{line.product_id}",
        "productId": line.product_id,
        "type": line.product_type,
        "sku": line.code or "",
        "quantity": line.units,
        "total": round(line.price * line.units, 2),
        "variation": [{"name": name, "value": value} for name, value in line.options.items()],
    }
