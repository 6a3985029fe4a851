"""REC+ products in the shape of its manual (seeds/000, response examples)."""

from collections.abc import Sequence
from typing import Any, Final

from stocksync.sandbox.items import Item, whole

_PRODUCT: Final[dict[str, Any]] = {
    "additional_images": [],
    "short_desc": "",
    "desc": "",
    "tax_class": 1,
    "additional_prices": [],
    "categories": {
        "default": {"href": "/categories/24001.json", "id": 24001},
        "2": None,
        "3": None,
        "4": None,
        "5": None,
    },
    "date_added": "2023-07-25T17:31:44",
    "date_modified_admin": "2023-07-25T18:07:10",
    "date_modified_api": None,
    "sort_order": 0,
    "custom_sort_order": {"featured": 0, "special": 0},
    "delivery": {"costs_to_zones": [], "free_delivery": 0, "free_delivery_zone": 0},
    "manufacturer": None,
    "marketing_site_link": "",
    "hide_prices": False,
    "is_enquiry_only": False,
    "banner_text": "",
    "banner_color": "#",
    "model_3d_image_path": "",
    "model_3d_image_path_ios": "",
    "download": None,
    "additional_downloads": [],
    "attributes": [],
    "weight": "",
    "youtube_clip": "",
    "videos": [],
    "cost_price": "",
    "is_addon_product": False,
    "is_discontinued": False,
    "exclude_from_api_webhook": False,
    "triggers_event_system": True,
    "special_offer_start_date": None,
    "special_offer_end_date": None,
    "meta_title": "",
    "meta_keywords": "",
    "meta_description": "",
    "exclude_from_google_base": False,
    "google_product_category": "",
    "purchase_event": None,
    "launch_date": "0000-00-00 00:00:00",
    "launch_status": "live",
    "packaging_type_id": 1,
    "tags": {},
    "associations": [],
    "alternatives": [],
    "addons": [],
    "components": [],
}
_STOCK: Final[dict[str, Any]] = {
    "qty": 1980,
    "options_group_use_as_stock": "",
    "pack_qty": 1,
    "alert_qty": "",
    "stop_qty": "",
    "back_in_stock_date": "",
}
_BUNDLE: Final[dict[str, Any]] = {
    "sync_stock_with_components": False,
    "sync_price_with_components": False,
    "sync_cost_with_components": False,
    "sync_weight_with_components": False,
    "is_bundle": False,
    "assembly_instructions": "",
    "assembly_bin_location": "",
}
_OPTION: Final[dict[str, Any]] = {
    "id": 12347,
    "group": "Multi Pack",
    "desc": "Yes",
    "code": "",
    "price": "4.20",
    "special_price": "",
    "weight": "",
    "stock_qty": 981,
    "sort_order": 1,
    "hidden": False,
    "gtin": "",
    "cost": "",
    "sync_key": "RGe0x2",
    "group_prices": {},
    "group_special_prices": {},
}


def product_code(group: Sequence[Item]) -> str:
    """Name a product: its own code, not those of its variations."""
    first = group[0]
    return (first.code if first.parent_code is None else first.parent_code) or ""


def has_variations(group: Sequence[Item]) -> bool:
    """Say whether a product is sold only as combinations of options."""
    return group[0].parent_code is not None


def total(items: Sequence[Item]) -> int:
    """Add up the units of some variations; what is not a number counts nothing."""
    return sum(whole(item.quantity) or 0 for item in items)


def basic_product(group: Sequence[Item]) -> dict[str, Any]:
    """Write a product as lists show it: without stock."""
    first = group[0]
    return {
        "href": f"/products/{first.product_id}.json",
        "id": first.product_id,
        "name": first.title,
        "code": product_code(group),
        "status": "live" if first.active else "draft",
        "link": f"http://rec.localhost/product--{first.product_id}.html",
        "image": "",
        "price": {"normal": f"{first.price:.2f}", "special_offer": "0.00"},
    }


def full_product(group: Sequence[Item]) -> dict[str, Any]:
    """Write a product as a look-up or `fields=*` shows it."""
    first = group[0]
    varied = has_variations(group)
    return {
        **basic_product(group),
        **_PRODUCT,
        "stock": {**_STOCK, "qty": total(group) if varied else first.quantity},
        "options": _options(group) if varied else [],
        "is_digital": first.is_digital,
        "bundle": {
            **_BUNDLE,
            "is_bundle": first.is_bundle_synced,
            "sync_stock_with_components": first.is_bundle_synced,
        },
        "variations": [_variation(item) for item in group] if varied else [],
    }


def _variation(item: Item) -> dict[str, Any]:
    return {
        "code": item.code or "",
        "prev_codes": "",
        "stock": item.quantity,
        "cost": item.cost,
        "options": dict(item.options),
    }


def _options(group: Sequence[Item]) -> list[dict[str, Any]]:
    """List every choice with the units of all variations that have it (marginal sums)."""
    choices = dict.fromkeys(choice for item in group for choice in item.options.items())
    return [
        {
            **_OPTION,
            "id": group[0].product_id * 100 + number,
            "group": name,
            "desc": value,
            "stock_qty": total([item for item in group if item.options.get(name) == value]),
            "sort_order": number,
        }
        for number, (name, value) in enumerate(choices, start=1)
    ]
