"""REC+ orders in the shape of its manual (seeds/000, specific order example)."""

from datetime import datetime, tzinfo
from typing import Any, Final

from stocksync.sandbox.orders import Order, OrderLine

_ORDER: Final[dict[str, Any]] = {
    "session_id": "s.64bf9a63f18ea5.12594747",
    "payment_method": {
        "href": "/payment-methods/58.json",
        "id": 58,
        "name": "PayPal Express Checkout",
    },
    "payment_data": {"verify_sign": "", "payer_id": "", "payer_status": ""},
    "user": {
        "href": "/users/123.json",
        "id": 123,
        "full_name": "Bob Smith",
        "membership_code": "",
        "email": "bob@smithnet.co.uk",
        "billing_address": {
            "recipient_name": "Bob Smith",
            "business_name": "",
            "line_1": "12 Fake Street",
            "line_2": "",
            "town": "Worcester",
            "region": {
                "href": "/regions/244.json",
                "country": "United States",
                "county": "Alabama",
            },
            "post_code": "WR1 1AB",
            "tel_no": "07123456789",
            "mobile_tel_no": "",
            "fax_no": "",
        },
    },
    "delivery_address": {
        "recipient_name": "Bob Smith",
        "business_name": "",
        "line_1": "12 Fake Street",
        "line_2": "",
        "town": "Worcester",
        "region": {"href": "/regions/243.json", "country": "UK", "county": "Worcestershire"},
        "post_code": "WR1 1AB",
        "tel_no": "07123456789",
        "mobile_tel_no": "",
        "fax_no": "",
    },
    "tracking": {"medium": "direct", "source": "", "term": "", "using_stored_data": 0},
    "totals": {"qty": 3, "price": "0.00", "vat": "25.70", "weight": 0, "delivery": "0.00"},
    "is_free_delivery": False,
    "customers_order_id": "",
    "fob": "",
    "required_by_date": "",
    "purchase_order_number": "",
    "delivery_note": "",
}
_LINE: Final[dict[str, Any]] = {
    "id": 0,
    "line_rel_id": 0,
    "line_type": "",
    "line_desc": "",
    "status": "Payment Received",
    "qty": 1,
    "price": "0.00",
    "vat": "0.00",
    "vat_percentage": 20,
    "each_price_ex_vat": 0,
    "each_price_vat": 0,
    "each_price_discount_ex_vat": "0.00",
    "each_price_discount_vat": 0,
    "weight": 0,
}


def local_time(moment: datetime, zone: tzinfo) -> str:
    """Write a moment in the site's own time, without saying which zone that is."""
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def basic_order(order: Order, zone: tzinfo) -> dict[str, Any]:
    """Write an order as lists show it; the manual does not, so this is our reading of it."""
    placed = local_time(order.placed_at, zone)
    return {
        "href": f"/orders/{order.order_id}.json",
        "id": order.order_id,
        "invoice_id": order.order_id - 1000,
        "start_date": placed,
        "payment_date": placed,
        "status": _status(order),
    }


def full_order(order: Order, zone: tzinfo) -> dict[str, Any]:
    """Write an order with its lines, of which only PRODUCT lines are stock."""
    lines = [line for sold in order.lines for line in _lines(sold, _status(order))]
    if len(order.lines) > 1:
        lines.append(_coupon(order))
    totals = {**_ORDER["totals"], "qty": order.units, "price": f"{order.total:.2f}"}
    return {**_ORDER, **basic_order(order, zone), "totals": totals, "lines": lines}


def _status(order: Order) -> str:
    """Say where an order stands, in words that every merchant chooses (Admin > Order Statuses)."""
    return order.status or ("Cancelled" if order.is_cancelled else "Payment Received")


def _coupon(order: Order) -> dict[str, Any]:
    """Write the voucher that an order of several products is paid with, as in the manual."""
    coupon = {"href": "/coupons/72.json", "id": 72, "name": "Gift Voucher", "code": "C46K13i8"}
    return {
        **_LINE,
        "id": order.lines[-1].line_id + 8,
        "line_type": "COUPON",
        "line_desc": "Gift Voucher - C46K13i8",
        "rel_data": {"coupon": coupon},
        "status": _status(order),
        "price": "-1.00",
        "vat_percentage": 0,
    }


def _lines(sold: OrderLine, status: str) -> list[dict[str, Any]]:
    """Write one sale: its options and delivery repeat the quantity in lines of their own."""
    product = {"href": f"/products/{sold.product_id}.json", "id": sold.product_id}
    common = {**_LINE, "status": status}
    lines = [
        {
            **common,
            "id": sold.line_id + number,
            "line_rel_id": sold.line_id,
            "line_type": "OPTION",
            "line_desc": f"{name} - {value} ",
            "rel_data": {"option": {"group": name, "desc": value, "code": "", "product": product}},
            "qty": sold.units,
        }
        for number, (name, value) in enumerate(sold.options.items(), start=1)
    ]
    lines.append(
        {
            **common,
            "id": sold.line_id,
            "line_type": "PRODUCT",
            "line_desc": f"{sold.title} - {sold.code}",
            "rel_data": {"product": {**product, "name": sold.title, "code": sold.code or ""}},
            "qty": sold.units,
            "price": f"{sold.price * sold.units:.2f}",
        }
    )
    delivery = {"href": "/delivery-methods/1.json", "id": 1, "name": "Standard"}
    lines.append(
        {
            **common,
            "id": sold.line_id + 9,
            "line_type": "DELIVERY",
            "line_desc": "Standard",
            "rel_data": {"delivery": delivery},
        }
    )
    return lines
