"""Places an order with a client that openapi-python-client made: order.py URL"""

import sys
import uuid

from shop import AuthenticatedClient, Client
from shop.api.orders import get_order, list_customer_orders, place_order
from shop.api.products import list_products
from shop.api.sessions import log_in
from shop.models import LogIn, NewOrder, Order, Problem, RequestedLine, TokenPair

url = sys.argv[1]
nobody = Client(base_url=url)
pair = log_in.sync(client=nobody, body=LogIn(email="mara@shop.example", password="demo-password-1"))
assert isinstance(pair, TokenPair), pair
product = list_products.sync(client=nobody, limit=1, in_stock=True)[0]

client = AuthenticatedClient(base_url=url, token=pair.access_token)
wanted = NewOrder(
    customer_id=pair.customer_id,
    lines=[RequestedLine(product_id=product.id, quantity=1)],
)
key = str(uuid.uuid4())
placed = place_order.sync(client=client, body=wanted, idempotency_key=key)
again = place_order.sync(client=client, body=wanted, idempotency_key=key)
assert isinstance(placed, Order) and isinstance(again, Order), (placed, again)
assert placed.id == again.id and placed.status == "confirmed", placed
assert get_order.sync(id=placed.id, client=client).total == product.price
assert placed.id in [order.id for order in list_customer_orders.sync(id=pair.customer_id, client=client)]

wanted.lines[0].quantity = 1_000_000
refused = place_order.sync(client=client, body=wanted)
assert isinstance(refused, Problem) and refused.code == "out_of_stock", refused
print(f"placed order {placed.id} of {placed.total} {placed.currency}, and was refused one that is out of stock")
