//! Files of orders.

use common::api::about::About;
use common::models::auth::Scope;
use common::models::bulk::ImportReport;

pub fn import_order_file() -> About {
    About::new("Put orders of another system in")
        .text(
            "One JSON object a line: an order as it stands there, with its dates and what has become of its units. It is \
             known by its `externalId`: the same row again changes nothing. With `stock=none` (which holds where nothing is \
             said) it is history and never moves stock; with `stock=reserve` what is open of it is reserved.",
        )
        .needs(Scope::OrdersWrite)
        .takes_file(
            &["application/x-ndjson"],
            "{\"externalId\":\"S-1001\",\"customerEmail\":\"mara@example.com\",\"createdAt\":\"2025-03-01T10:00:00Z\",\
             \"status\":\"completed\",\"currency\":\"EUR\",\
             \"lines\":[{\"sku\":\"ML-SOCK-02\",\"quantity\":2,\"unitPrice\":21.5}]}\n",
        )
        .tells::<ImportReport>()
}

pub fn export_orders() -> About {
    About::new("Take a file of orders")
        .text("Oldest first. NDJSON has an order in each line as it is read one by one; CSV has a row for each line of an order.")
        .needs(Scope::OrdersRead)
        .sends_file(&["text/csv", "application/x-ndjson"])
}
