//! What orders hold of a person, and taking it out.

use super::orders::Orders;
use common::ids::CustomerId;
use common::mongo::StoreError;
use common::time::Timestamp;
use mongodb::bson::{Bson, Document, doc};

/// What stands where something personal stood.
pub const ERASED: &str = "erased";

impl Orders {
    /// Replaces the addresses of a customer's orders, but for the country that taxes depend on, and removes what anyone
    /// wrote to them: notes, reasons, metadata.
    /// Each order that held something gets a new version and an entry in its history, so that a change that was under way
    /// does not bring it back; a repeat finds nothing. Answers how many there were.
    pub async fn erase_person(
        &self,
        customer: CustomerId,
        actor: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let updated = self.collection.update_many(holding_something(customer), erasure(actor, now)).await?;
        Ok(updated.modified_count)
    }
}

fn holding_something(customer: CustomerId) -> Document {
    doc! {
        "customerId": customer,
        "$or": [
            { "shippingAddress.recipient": { "$exists": true, "$ne": ERASED } },
            { "billingAddress.recipient": { "$exists": true, "$ne": ERASED } },
            { "history.note": { "$exists": true } },
            { "note": { "$exists": true } },
            { "notes": { "$exists": true } },
            { "metadata": { "$exists": true } },
            { "hold.note": { "$exists": true } },
            { "edit.note": { "$exists": true } },
            { "returns.lines.reason": { "$exists": true } },
        ],
    }
}

fn erasure(actor: &str, now: Timestamp) -> Vec<Document> {
    let address = |field: &str| {
        let erased = doc! {
            "recipient": ERASED, "lines": [ERASED], "city": ERASED, "country": format!("${field}.country"),
        };
        doc! { "$cond": [{ "$eq": [{ "$type": format!("${field}") }, "missing"] }, "$$REMOVE", erased] }
    };
    let without_note = doc! { "$unsetField": { "field": "note", "input": "$$this" } };
    let without_reason = doc! { "$unsetField": { "field": "reason", "input": "$$line" } };
    let lines = doc! { "$map": { "input": "$$this.lines", "as": "line", "in": without_reason } };
    let returns = doc! { "$map": {
        "input": "$returns", "in": { "$mergeObjects": ["$$this", { "lines": lines }] },
    } };
    let has_returns = doc! { "$isArray": "$returns" };
    let entry = doc! { "at": Bson::from(now), "actor": actor, "event": "person_erased" };
    vec![
        doc! { "$set": {
            "shippingAddress": address("shippingAddress"),
            "billingAddress": address("billingAddress"),
            "history": { "$concatArrays": [{ "$map": { "input": "$history", "in": without_note } }, [entry]] },
            "version": { "$add": ["$version", 1_i64] },
            "updatedAt": Bson::from(now),
            "returns": { "$cond": [has_returns, returns, "$$REMOVE"] },
        } },
        doc! { "$unset": ["note", "notes", "metadata", "hold.note", "edit.note"] },
    ]
}
