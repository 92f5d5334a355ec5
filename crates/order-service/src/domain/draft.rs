//! A request to place an order, with every rule about its shape already kept.

use super::order::{Change, FIRST_VERSION, Fingerprint, Line, Order};
use common::ids::{AddressId, CustomerId, HoldId, OrderId, ProductId};
use common::models::address::PostalAddress;
use common::models::order::{FulfillmentStatus, MAX_LINES, NewOrder, OrderEvent, OrderStatus, RequestedLine};
use common::models::order_label::{ExternalId, Metadata, OrderRemark};
use common::time::Timestamp;
use std::collections::{HashMap, HashSet};

/// Lines of one order, each product once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderDraft {
    customer_id: CustomerId,
    lines: Vec<RequestedLine>,
    shipping: Option<Destination>,
    billing: Option<Destination>,
    note: Option<OrderRemark>,
    external_id: Option<ExternalId>,
    metadata: Metadata,
    hold_id: Option<HoldId>,
}

/// An address as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Destination {
    Inline(Box<PostalAddress>),
    /// One of the customer's own, not looked up yet.
    Named(AddressId),
}

/// Why a request is not an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDraft {
    #[error("must stand unless there are lines")]
    Missing { field: &'static str },
    #[error("must not stand beside lines")]
    BesideLines { field: &'static str },
    #[error("must not stand beside the address itself")]
    BesideAddress { field: &'static str },
    #[error("must have 1 to {MAX_LINES} entries, got {got}")]
    LineCount { got: usize },
    #[error("names a product that stands on an earlier line")]
    DuplicateProduct { line: usize },
}

impl OrderDraft {
    pub fn parse(order: NewOrder) -> Result<Self, InvalidDraft> {
        let lines = match (order.lines, order.product_id, order.quantity) {
            (Some(lines), None, None) => lines,
            (Some(_), Some(_), _) => return Err(InvalidDraft::BesideLines { field: "productId" }),
            (Some(_), None, Some(_)) => return Err(InvalidDraft::BesideLines { field: "quantity" }),
            (None, Some(product_id), Some(quantity)) => vec![RequestedLine { product_id, quantity }],
            (None, None, _) => return Err(InvalidDraft::Missing { field: "productId" }),
            (None, Some(_), None) => return Err(InvalidDraft::Missing { field: "quantity" }),
        };
        if lines.is_empty() || lines.len() > MAX_LINES {
            return Err(InvalidDraft::LineCount { got: lines.len() });
        }
        let shipping = destination(order.shipping_address, order.shipping_address_id, "shippingAddressId")?;
        let billing = destination(order.billing_address, order.billing_address_id, "billingAddressId")?;
        let mut products: HashSet<ProductId> = HashSet::with_capacity(lines.len());
        match lines.iter().position(|line| !products.insert(line.product_id)) {
            Some(line) => Err(InvalidDraft::DuplicateProduct { line }),
            None => Ok(Self {
                customer_id: order.customer_id,
                lines,
                shipping,
                billing,
                note: order.note,
                external_id: order.external_id,
                metadata: order.metadata,
                hold_id: order.hold_id,
            }),
        }
    }

    pub fn customer_id(&self) -> CustomerId {
        self.customer_id
    }

    pub fn lines(&self) -> &[RequestedLine] {
        &self.lines
    }

    pub const fn hold_id(&self) -> Option<HoldId> {
        self.hold_id
    }

    /// The identity of the order: derived from the key, so that a retry is the same order for ever, or a fresh one.
    pub fn order_id(&self, key: Option<&[u8]>) -> OrderId {
        match key {
            Some(key) => OrderId::derived(&[b"place order", self.customer_id.as_bytes(), key]),
            None => OrderId::new(),
        }
    }

    /// Equal for equal requests, whichever of the two forms they were written in.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut parts: Vec<&[u8]> = vec![self.customer_id.as_bytes()];
        let quantities: Vec<[u8; 4]> =
            self.lines.iter().map(|line| line.quantity.get().to_be_bytes()).collect();
        for (line, quantity) in self.lines.iter().zip(&quantities) {
            parts.push(line.product_id.as_bytes());
            parts.push(quantity);
        }
        // Only what is there counts, so that an order without it keeps the fingerprint it always had.
        let metadata: Vec<u8> = self
            .metadata
            .iter()
            .flat_map(|(name, text)| [name, "\0", text, "\0"].concat().into_bytes())
            .collect();
        let optional = [
            (b"shipping".as_slice(), self.shipping.as_ref().map(Destination::to_bytes)),
            (b"billing", self.billing.as_ref().map(Destination::to_bytes)),
            (b"note", self.note.as_ref().map(|note| note.as_bytes().to_vec())),
            (b"external id", self.external_id.as_ref().map(|id| id.as_bytes().to_vec())),
            (b"metadata", (!metadata.is_empty()).then_some(metadata)),
            (b"hold", self.hold_id.map(|id| id.as_bytes().to_vec())),
        ];
        for (kind, value) in &optional {
            if let Some(value) = value {
                parts.extend([*kind, value.as_slice()]);
            }
        }
        Fingerprint::derived(&parts)
    }

    /// The addresses that are named and not known yet, each with the field that names it.
    pub fn named_addresses(&self) -> impl Iterator<Item = (&'static str, AddressId)> {
        let named = |destination: &Option<Destination>| match destination {
            Some(Destination::Named(id)) => Some(*id),
            Some(Destination::Inline(_)) | None => None,
        };
        let shipping = named(&self.shipping).map(|id| ("shippingAddressId", id));
        shipping.into_iter().chain(named(&self.billing).map(|id| ("billingAddressId", id)))
    }

    /// The order as it is recorded before anything is decided.
    pub fn into_pending(
        self,
        id: OrderId,
        actor: String,
        at: Timestamp,
        known: &HashMap<AddressId, PostalAddress>,
    ) -> Order {
        let address = |destination: &Option<Destination>| match destination {
            Some(Destination::Inline(address)) => Some(address.clone()),
            Some(Destination::Named(id)) => known.get(id).cloned().map(Box::new),
            None => None,
        };
        let fingerprint = self.fingerprint();
        Order {
            shipping_address: address(&self.shipping),
            billing_address: address(&self.billing),
            note: self.note,
            external_id: self.external_id,
            metadata: self.metadata,
            hold_id: self.hold_id,
            fulfillments: Vec::new(),
            returns: Vec::new(),
            hold: None,
            tags: Vec::new(),
            notes: Vec::new(),
            edit: None,
            edits: Vec::new(),
            id,
            customer_id: self.customer_id,
            status: OrderStatus::Pending,
            fulfillment_status: FulfillmentStatus::Unfulfilled,
            version: FIRST_VERSION,
            fingerprint,
            lines: self.lines.iter().map(Line::new).collect(),
            currency: None,
            total_minor: None,
            rejections: Vec::new(),
            effects: Vec::new(),
            pruned_effects: 0,
            origin: None,
            history: vec![Change::new(at, actor, OrderEvent::Placed)],
            created_at: at,
            updated_at: at,
        }
    }
}

fn destination(
    address: Option<PostalAddress>,
    id: Option<AddressId>,
    field: &'static str,
) -> Result<Option<Destination>, InvalidDraft> {
    match (address, id) {
        (Some(_), Some(_)) => Err(InvalidDraft::BesideAddress { field }),
        (Some(address), None) => Ok(Some(Destination::Inline(Box::new(address)))),
        (None, id) => Ok(id.map(Destination::Named)),
    }
}

impl Destination {
    /// Equal for equal requests.
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            // An address always serialises.
            Self::Inline(address) => serde_json::to_vec(address).unwrap_or_default(),
            Self::Named(id) => id.as_bytes().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(quantity: u32) -> RequestedLine {
        RequestedLine { product_id: ProductId::new(), quantity: quantity.try_into().unwrap() }
    }

    fn with_lines(lines: Vec<RequestedLine>) -> NewOrder {
        NewOrder::of_many(CustomerId::new(), lines)
    }

    #[test]
    fn both_forms_of_one_line_are_the_same_request() {
        let long = with_lines(vec![line(3)]);
        let only = long.lines.as_ref().unwrap()[0];
        let short = NewOrder {
            product_id: Some(only.product_id),
            quantity: Some(only.quantity),
            lines: None,
            ..long.clone()
        };
        let (long, short) = (OrderDraft::parse(long).unwrap(), OrderDraft::parse(short).unwrap());
        assert_eq!(long.fingerprint(), short.fingerprint());
        assert_eq!(long.order_id(Some(b"key")), short.order_id(Some(b"key")));
        assert_ne!(long.order_id(Some(b"key")), long.order_id(Some(b"other")));
        assert_ne!(long.order_id(None), long.order_id(None));
    }

    #[test]
    fn any_other_customer_product_quantity_or_order_of_lines_is_another_request() {
        let (a, b) = (line(1), line(2));
        let base = with_lines(vec![a, b]);
        let fingerprint = |order: &NewOrder| OrderDraft::parse(order.clone()).unwrap().fingerprint();
        let others = [
            NewOrder { customer_id: CustomerId::new(), ..base.clone() },
            NewOrder { lines: Some(vec![b, a]), ..base.clone() },
            NewOrder { lines: Some(vec![a]), ..base.clone() },
            NewOrder { lines: Some(vec![a, RequestedLine { quantity: a.quantity, ..b }]), ..base.clone() },
        ];
        for other in &others {
            assert_ne!(fingerprint(&base), fingerprint(other));
        }
    }

    #[test]
    fn an_order_needs_one_form_and_one_to_2000_different_products() {
        let base = with_lines(vec![line(1)]);
        let product_id = Some(ProductId::new());
        let quantity = Some(1.try_into().unwrap());
        let parse = |order| OrderDraft::parse(order).unwrap_err();
        assert_eq!(
            parse(NewOrder { lines: None, ..base.clone() }),
            InvalidDraft::Missing { field: "productId" }
        );
        assert_eq!(
            parse(NewOrder { lines: None, product_id, ..base.clone() }),
            InvalidDraft::Missing { field: "quantity" }
        );
        assert_eq!(
            parse(NewOrder { product_id, quantity, ..base.clone() }),
            InvalidDraft::BesideLines { field: "productId" }
        );
        assert_eq!(
            parse(NewOrder { quantity, ..base.clone() }),
            InvalidDraft::BesideLines { field: "quantity" }
        );
        assert_eq!(parse(with_lines(vec![])), InvalidDraft::LineCount { got: 0 });
        assert_eq!(
            parse(with_lines((0..=MAX_LINES).map(|_| line(1)).collect())),
            InvalidDraft::LineCount { got: MAX_LINES + 1 }
        );
        let twice = line(1);
        assert_eq!(
            parse(with_lines(vec![twice, line(1), twice])),
            InvalidDraft::DuplicateProduct { line: 2 }
        );
        assert!(OrderDraft::parse(with_lines((0..MAX_LINES).map(|_| line(1)).collect())).is_ok());
    }

    fn address(city: &str) -> PostalAddress {
        serde_json::from_value(serde_json::json!({
            "recipient": "Ada", "lines": ["1 Main Street"], "city": city, "country": "GB",
        }))
        .unwrap()
    }

    #[test]
    fn every_address_counts_and_which_is_which() {
        let base = with_lines(vec![line(1)]);
        let id = AddressId::new();
        let (leeds, york) = (Some(address("Leeds")), Some(address("York")));
        let all = [
            base.clone(),
            NewOrder { shipping_address: leeds.clone(), ..base.clone() },
            NewOrder { shipping_address: york, ..base.clone() },
            NewOrder { billing_address: leeds.clone(), ..base.clone() },
            NewOrder { shipping_address: leeds.clone(), billing_address: leeds, ..base.clone() },
            NewOrder { shipping_address_id: Some(id), ..base.clone() },
            NewOrder { billing_address_id: Some(id), ..base },
        ];
        let fingerprints: HashSet<_> =
            all.iter().map(|order| OrderDraft::parse(order.clone()).unwrap().fingerprint()).collect();
        assert_eq!(fingerprints.len(), all.len());
    }

    #[test]
    fn an_address_and_its_identity_do_not_stand_beside_each_other() {
        let order = NewOrder {
            billing_address: Some(address("Leeds")),
            billing_address_id: Some(AddressId::new()),
            ..with_lines(vec![line(1)])
        };
        assert_eq!(OrderDraft::parse(order), Err(InvalidDraft::BesideAddress { field: "billingAddressId" }));
    }

    #[test]
    fn an_order_keeps_copies_of_its_addresses() {
        let id = AddressId::new();
        let order = NewOrder {
            shipping_address_id: Some(id),
            billing_address: Some(address("York")),
            ..with_lines(vec![line(1)])
        };
        let draft = OrderDraft::parse(order).unwrap();
        assert_eq!(draft.named_addresses().collect::<Vec<_>>(), [("shippingAddressId", id)]);
        let known = HashMap::from([(id, address("Leeds"))]);
        let order = draft.into_pending(OrderId::new(), "someone".into(), Timestamp::from_millis(0), &known);
        assert_eq!(order.shipping_address.unwrap().city.as_str(), "Leeds");
        assert_eq!(order.billing_address.unwrap().city.as_str(), "York");
    }
}
