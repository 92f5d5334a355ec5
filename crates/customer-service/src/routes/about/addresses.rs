//! Addresses of a customer.

use common::api::about::About;
use common::models::address::Address;
use common::models::auth::Scope;
use serde_json::json;

pub fn list_addresses() -> About {
    About::new("List a customer's addresses")
        .text("Newest first; `ETag` is the customer's.")
        .own(Scope::CustomersRead)
        .lists::<Address>()
        .versioned()
}

pub fn add_address() -> About {
    About::new("Add an address")
        .text("The first one is the default for parcels and invoices. `If-Match` and `ETag` are the customer's.")
        .own(Scope::CustomersWrite)
        .creates::<Address>()
        .example(json!({
            "label": "home",
            "recipient": "Mara Lind",
            "lines": ["Hafenstraße 12", "3rd floor"],
            "city": "Hamburg",
            "postalCode": "20457",
            "country": "DE",
            "phone": "+4940123456",
        }))
        .refuses(409, &["customer_erased", "too_many_addresses"])
}

pub fn change_address() -> About {
    About::new("Change an address")
        .text("The fields that are named; `null` removes one. `If-Match` and `ETag` are the customer's.")
        .own(Scope::CustomersWrite)
        .shows::<Address>()
        .example(json!({ "city": "Berlin", "postalCode": "10115", "label": null }))
        .refuses(409, &["customer_erased"])
}

pub fn remove_address() -> About {
    About::new("Remove an address").own(Scope::CustomersWrite).versioned().refuses(409, &["customer_erased"])
}
