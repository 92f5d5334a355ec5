//! A new product: its catalogue entry, its row of stock and what was received of it, all or nothing.

use crate::domain::movement::{Movement, MovementLine};
use crate::domain::product::{InvalidProduct, Product};
use crate::domain::stock::Stock;
use crate::startup::AppState;
use crate::store::product_writes::{Inserted, Taken};
use common::context;
use common::http::idempotency::IdempotencyKey;
use common::ids::{MovementId, ProductId};
use common::models::audit::{AuditActor, AuditEvent, AuditSubject, SubjectKind};
use common::models::inventory::MovementKind;
use common::models::location::LocationId;
use common::models::product::{self as model, NewProduct};
use common::mongo::StoreError;
use common::time::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

/// How long to try where no request's deadline is known.
const BUDGET: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Created {
    pub product: model::Product,
    /// Whether an earlier request with the same key made the product.
    pub replayed: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateProductError {
    #[error(transparent)]
    Invalid(#[from] InvalidProduct),
    #[error("there is no such category")]
    UnknownCategory,
    #[error("there is no such product to be a variant of")]
    UnknownParent,
    #[error("a variant has no variants of its own")]
    ParentIsVariant,
    #[error("another product has this")]
    Taken(Taken),
    #[error("the key was used for another request")]
    KeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub async fn create_product(
    state: &AppState,
    new: NewProduct,
    key: Option<IdempotencyKey>,
    actor: AuditActor,
) -> Result<Created, CreateProductError> {
    let deadline = Instant::now() + context::time_left(BUDGET);
    let now = Timestamp::now();
    let id = match &key {
        Some(key) => ProductId::derived(&[b"create_product", actor.identity().as_slice(), key.as_bytes()]),
        None => ProductId::new(),
    };
    let fingerprint = key.as_ref().map(|_| fingerprint(&new));
    let units = new.inventory.unwrap_or_default().get();
    let product = Product::create(id, new, fingerprint, now)?;
    check_neighbours(state, &product).await?;
    let receipt = (units > 0).then(|| Movement {
        reason: Some("opening stock".to_owned()),
        ..Movement::new(
            MovementId::new(),
            MovementKind::Receipt,
            vec![MovementLine::on_hand(id, LocationId::main(), units.into())],
            &actor.reference(),
            now,
        )
    });
    let stock = Stock { backorder_limit: product.backorder_limit(), ..Stock::opening(id, units.into()) };
    let event = AuditEvent::new(actor, "product.created", AuditSubject::new(SubjectKind::Product, id))
        .with("priceMinor", product.price.minor())
        .with("currency", product.currency.to_string())
        .with("onHand", units);
    match state.products.insert(&product, &stock, receipt.as_ref(), &event, deadline).await? {
        Inserted::New => Ok(Created { product: product.with_inventory(stock.available()), replayed: false }),
        Inserted::Exists(standing) if standing.fingerprint == product.fingerprint => {
            let available = state.stock.available([id].into_iter()).await?.get(&id).copied().unwrap_or(0);
            Ok(Created { product: standing.with_inventory(available), replayed: key.is_some() })
        }
        Inserted::Exists(_) => Err(CreateProductError::KeyReused),
        Inserted::Taken(taken) => Err(CreateProductError::Taken(taken)),
    }
}

/// What the product names must be there. Neither a product nor what makes it a variant is ever taken away, so nothing
/// can come between this and the writing; a category that goes at the same instant leaves a path that no list shows.
async fn check_neighbours(state: &AppState, product: &Product) -> Result<(), CreateProductError> {
    if let Some(category) = &product.details.category
        && !state.categories.has(category).await?
    {
        return Err(CreateProductError::UnknownCategory);
    }
    if let Some(parent) = product.parent_id {
        let parent = state.products.find(parent).await?.ok_or(CreateProductError::UnknownParent)?;
        if parent.parent_id.is_some() {
            return Err(CreateProductError::ParentIsVariant);
        }
    }
    Ok(())
}

/// SHA-256 of the request as it was understood, so that white space and the order of members do not matter.
pub fn fingerprint(new: &impl Serialize) -> String {
    let understood = serde_json::to_vec(new).unwrap_or_default();
    Sha256::digest(&understood).iter().map(|byte| format!("{byte:02x}")).collect()
}
