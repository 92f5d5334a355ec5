//! Whether products are in stock at all, as what a batch does to their rows turns it.

use super::ledger::StockChange;
use super::stock::Stock;
use common::ids::ProductId;
use std::collections::BTreeMap;

/// Whether each of these products is in stock after the changes, where the availability of one of its rows begins or
/// ends: `before` are all rows of the products as they were read.
///
/// Also where the sum of all rows does not turn: two batches that each empty one of two places must meet in one
/// document, or neither would see that the product is out of stock.
pub fn turned(before: &[Stock], changes: &[StockChange]) -> BTreeMap<ProductId, bool> {
    let mut turned = BTreeMap::new();
    for StockChange { read, now } in changes {
        let was_available = read.as_ref().is_some_and(|row| row.available() > 0);
        if was_available != (now.available() > 0) {
            turned.insert(now.product_id, false);
        }
    }
    for (product, is_in_stock) in &mut turned {
        let is_changed = |row: &Stock| changes.iter().any(|change| change.now.id == row.id);
        let unchanged = before.iter().filter(|row| row.product_id == *product && !is_changed(row));
        let changed = changes.iter().map(|change| &change.now).filter(|row| row.product_id == *product);
        *is_in_stock = unchanged.chain(changed).any(|row| row.available() > 0);
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::models::location::LocationId;

    fn row(product: ProductId, location: &str, on_hand: i64) -> Stock {
        let location: LocationId = location.parse().unwrap();
        Stock { on_hand, version: 1, ..Stock::empty(product, location) }
    }

    fn change(read: Option<&Stock>, now: Stock) -> StockChange {
        StockChange { read: read.cloned(), now }
    }

    #[test]
    fn a_product_turns_where_a_row_does_and_is_in_stock_while_any_row_has_units() {
        let product = ProductId::new();
        let (main, other) = (row(product, "main", 3), row(product, "other", 1));
        let rows = [main.clone(), other.clone()];
        let emptied = |row: &Stock| Stock { on_hand: 0, ..row.clone() };
        let turn = |changes: &[StockChange]| turned(&rows, changes).into_iter().collect::<Vec<_>>();
        assert_eq!(turn(&[change(Some(&main), Stock { on_hand: 1, ..main.clone() })]), []);
        assert_eq!(turn(&[change(Some(&main), emptied(&main))]), [(product, true)]);
        let both = [change(Some(&main), emptied(&main)), change(Some(&other), emptied(&other))];
        assert_eq!(turn(&both), [(product, false)]);
        let third = row(product, "third", 2);
        assert_eq!(
            turn(&[both, [change(None, third.clone()), change(None, third)]].concat()),
            [(product, true)]
        );
        let unknown = row(ProductId::new(), "main", 0);
        assert_eq!(turned(&[], &[change(None, unknown)]).len(), 0);
    }
}
