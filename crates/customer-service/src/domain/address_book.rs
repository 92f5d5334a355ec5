//! A customer's addresses: at most fifty, and while there are any, exactly one default of each kind.

use common::ids::{AddressId, Id};
use common::models::address::{
    Address, AddressChange, AddressLabel, MAX_ADDRESSES, NewAddress, PostalAddress,
};
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Marks the identity of a request that added an address.
pub enum Request {}

/// An address as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    pub id: AddressId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<AddressLabel>,
    pub postal: PostalAddress,
    pub default_shipping: bool,
    pub default_billing: bool,
    pub created_at: Timestamp,
    /// Of the request that added it under an idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Id<Request>>,
}

/// Why a book stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    #[error("there is no such address")]
    NotFound,
    #[error("a customer has at most {MAX_ADDRESSES} addresses")]
    Full,
    #[error("the key was used for another request")]
    KeyReused,
    /// Making another address the default is how one stops being it.
    #[error("must be true or left out: another address becomes the default by saying so there")]
    DefaultNeeded { field: &'static str },
}

/// All addresses of one customer, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressBook {
    entries: Vec<Entry>,
}

impl AddressBook {
    pub const fn of(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn find(&self, id: AddressId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// The address that an earlier request with the same identity added, where that asked for the same.
    pub fn replayed(&self, id: AddressId, new: &NewAddress) -> Result<Option<&Entry>, BookError> {
        match self.find(id) {
            Some(entry) if entry.fingerprint == Some(fingerprint(new)) => Ok(Some(entry)),
            Some(_) => Err(BookError::KeyReused),
            None => Ok(None),
        }
    }

    /// The book with one more address; the first is the default of both kinds.
    pub fn with(
        &self,
        id: AddressId,
        new: NewAddress,
        keyed: bool,
        at: Timestamp,
    ) -> Result<Self, BookError> {
        if self.entries.len() >= MAX_ADDRESSES {
            return Err(BookError::Full);
        }
        let fingerprint = keyed.then(|| fingerprint(&new));
        let (shipping, billing) = (new.default_shipping, new.default_billing);
        let mut book = self.clone();
        book.entries.push(Entry {
            id,
            label: new.label,
            postal: PostalAddress {
                recipient: new.recipient,
                lines: new.lines,
                city: new.city,
                region: new.region,
                postal_code: new.postal_code,
                country: new.country,
                phone: new.phone,
            },
            default_shipping: false,
            default_billing: false,
            created_at: at,
            fingerprint,
        });
        book.make_default(id, shipping, billing);
        Ok(book)
    }

    /// The book with one address changed.
    pub fn changed(&self, id: AddressId, change: AddressChange) -> Result<Self, BookError> {
        let mut book = self.clone();
        let entry = book.entries.iter_mut().find(|entry| entry.id == id).ok_or(BookError::NotFound)?;
        if change.default_shipping == Some(false) && entry.default_shipping {
            return Err(BookError::DefaultNeeded { field: "defaultShipping" });
        }
        if change.default_billing == Some(false) && entry.default_billing {
            return Err(BookError::DefaultNeeded { field: "defaultBilling" });
        }
        let postal = &mut entry.postal;
        replace(&mut entry.label, change.label);
        replace(&mut postal.recipient, change.recipient);
        replace(&mut postal.lines, change.lines);
        replace(&mut postal.city, change.city);
        replace(&mut postal.region, change.region);
        replace(&mut postal.postal_code, change.postal_code);
        replace(&mut postal.country, change.country);
        replace(&mut postal.phone, change.phone);
        book.make_default(id, change.default_shipping == Some(true), change.default_billing == Some(true));
        Ok(book)
    }

    /// The book without one address; the oldest that is left becomes what it was the default of.
    pub fn without(&self, id: AddressId) -> Result<Self, BookError> {
        self.find(id).ok_or(BookError::NotFound)?;
        let mut book = self.clone();
        book.entries.retain(|entry| entry.id != id);
        book.make_default(id, false, false);
        Ok(book)
    }

    /// Makes an address the default of these kinds, and the oldest that of a kind that has none.
    fn make_default(&mut self, id: AddressId, shipping: bool, billing: bool) {
        for entry in &mut self.entries {
            entry.default_shipping = if shipping { entry.id == id } else { entry.default_shipping };
            entry.default_billing = if billing { entry.id == id } else { entry.default_billing };
        }
        let has_shipping = self.entries.iter().any(|entry| entry.default_shipping);
        let has_billing = self.entries.iter().any(|entry| entry.default_billing);
        if let Some(oldest) = self.entries.first_mut() {
            oldest.default_shipping |= !has_shipping;
            oldest.default_billing |= !has_billing;
        }
    }
}

impl Entry {
    /// As its owner sees it.
    pub fn to_address(&self) -> Address {
        let Self { id, label, postal, default_shipping, default_billing, .. } = self.clone();
        Address {
            id,
            label,
            recipient: postal.recipient,
            lines: postal.lines,
            city: postal.city,
            region: postal.region,
            postal_code: postal.postal_code,
            country: postal.country,
            phone: postal.phone,
            default_shipping,
            default_billing,
        }
    }
}

fn replace<T>(value: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *value = new;
    }
}

/// Equal for equal requests.
fn fingerprint(new: &NewAddress) -> Id<Request> {
    // These types always serialise.
    let understood = serde_json::to_vec(new).unwrap_or_default();
    Id::derived(&[&understood])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn new(city: &str, shipping: bool, billing: bool) -> NewAddress {
        serde_json::from_value(serde_json::json!({
            "recipient": "Ada", "lines": ["1 Main Street"], "city": city, "country": "GB",
            "defaultShipping": shipping, "defaultBilling": billing,
        }))
        .unwrap()
    }

    fn change(shipping: Option<bool>) -> AddressChange {
        AddressChange { default_shipping: shipping, ..AddressChange::default() }
    }

    fn defaults(book: &AddressBook) -> (Vec<AddressId>, Vec<AddressId>) {
        let of = |is: fn(&Entry) -> bool| {
            book.entries().iter().filter(|entry| is(entry)).map(|entry| entry.id).collect()
        };
        (of(|entry| entry.default_shipping), of(|entry| entry.default_billing))
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_first_address_is_the_default_and_the_oldest_follows_a_default_that_goes() {
        let (a, b) = (AddressId::new(), AddressId::new());
        let book = AddressBook::default().with(a, new("a", false, false), false, at(0)).unwrap();
        assert_eq!(defaults(&book), (vec![a], vec![a]));
        let book = book.with(b, new("b", true, false), false, at(1)).unwrap();
        assert_eq!(defaults(&book), (vec![b], vec![a]));
        assert_eq!(defaults(&book.without(b).unwrap()), (vec![a], vec![a]));
        assert_eq!(book.without(AddressId::new()), Err(BookError::NotFound));
    }

    #[test]
    fn a_default_is_moved_and_never_merely_taken_away() {
        let (a, b) = (AddressId::new(), AddressId::new());
        let book = AddressBook::default().with(a, new("a", false, false), false, at(0)).unwrap();
        let book = book.with(b, new("b", false, false), false, at(1)).unwrap();
        let refused = Err(BookError::DefaultNeeded { field: "defaultShipping" });
        assert_eq!(book.changed(a, change(Some(false))), refused);
        assert_eq!(book.changed(b, change(Some(false))).unwrap(), book);
        assert_eq!(defaults(&book.changed(b, change(Some(true))).unwrap()), (vec![b], vec![a]));
    }

    #[test]
    fn null_removes_what_may_be_missing() {
        let id = AddressId::new();
        let mut with_region = new("a", false, false);
        with_region.region = Some("Kent".parse().unwrap());
        let book = AddressBook::default().with(id, with_region, false, at(0)).unwrap();
        let change = AddressChange { region: Some(None), ..AddressChange::default() };
        assert_eq!(book.changed(id, change).unwrap().find(id).unwrap().postal.region, None);
    }

    #[test]
    fn a_repeat_is_found_and_another_request_under_its_key_is_refused() {
        let id = AddressId::new();
        let book = AddressBook::default().with(id, new("a", false, false), true, at(0)).unwrap();
        assert_eq!(book.replayed(id, &new("a", false, false)).unwrap().unwrap().id, id);
        assert_eq!(book.replayed(id, &new("b", false, false)), Err(BookError::KeyReused));
        assert_eq!(book.replayed(AddressId::new(), &new("a", false, false)), Ok(None));
    }

    proptest! {
        #[test]
        fn there_is_always_one_default_of_each_kind(steps in proptest::collection::vec((0_u8..3, 0_usize..6, any::<bool>(), any::<bool>()), 0..80)) {
            let mut book = AddressBook::default();
            for (step, place, shipping, billing) in steps {
                let named = book.entries().get(place).map(|entry| entry.id);
                let next = match (step, named) {
                    (0, _) => book.with(AddressId::new(), new("x", shipping, billing), false, at(0)),
                    (1, Some(id)) => book.changed(id, change(shipping.then_some(billing))),
                    (2, Some(id)) => book.without(id),
                    _ => continue,
                };
                book = next.unwrap_or(book);
                let expected = usize::from(!book.entries().is_empty());
                let (shipping, billing) = defaults(&book);
                prop_assert_eq!((shipping.len(), billing.len()), (expected, expected));
                prop_assert!(book.entries().len() <= MAX_ADDRESSES);
            }
        }
    }
}
