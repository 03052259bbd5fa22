"""The page on the API says what the API is."""

from cordpair.web.api_calls import CallOrders
from cordpair.web.api_orders import Orders
from cordpair.web.api_reads import Reads
from cordpair.web.api_roles import OPERATIONS
from tools import list_api


def test_the_page_lists_every_operation() -> None:
    assert list_api.PAGE.read_text(encoding="utf-8") == list_api.page(), "run: python -m tools.list_api"


def test_every_operation_has_its_endpoint_and_no_endpoint_is_out_of_the_table() -> None:
    endpoints = {name for kind in (Orders, CallOrders, Reads) for name in vars(kind) if name[0] != "_"}
    assert endpoints - {"submit"} == set(OPERATIONS)
