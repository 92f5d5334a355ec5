//! Lists of products: filters, orders and the indexes that carry both, so that page 2,000 costs what page 1 costs.

use crate::domain::listing::{Position, Sort, SortKey};
use crate::domain::words::Search;
use common::ids::ProductId;
use common::models::category::CategoryPath;
use common::models::product::ProductStatus;
use common::money::{Currency, Money};
use common::text::Sku;
use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;

/// Which products to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProductFilter {
    /// Every status where there is none.
    pub status: Option<ProductStatus>,
    pub hides_drafts: bool,
    pub sku: Option<Sku>,
    pub external_id: Option<String>,
    pub parent_id: Option<ProductId>,
    /// With its branches.
    pub category: Option<CategoryPath>,
    pub tag: Option<String>,
    /// Folded.
    pub brand: Option<String>,
    pub currency: Option<Currency>,
    pub min_price: Option<Money>,
    pub max_price: Option<Money>,
    pub in_stock: Option<bool>,
    pub search: Option<Search>,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Listing {
    pub filter: ProductFilter,
    pub sort: Sort,
    pub after: Option<Position>,
    pub limit: usize,
}

/// A part of a list that one query reads in its order: a page is what the parts give one after the other.
#[derive(Debug)]
pub struct Part {
    pub tier: u8,
    pub query: Document,
}

impl ProductFilter {
    /// What every product of the list fulfils, without what is looked for.
    fn conditions(&self) -> Vec<Document> {
        let mut all = Vec::new();
        match self.status {
            Some(status) => all.push(doc! { "status": status_name(status) }),
            None if self.hides_drafts => all.push(doc! { "status": { "$in": ["active", "archived"] } }),
            None => {}
        }
        let texts = [
            ("sku", self.sku.as_ref().map(Sku::as_str)),
            ("details.externalId", self.external_id.as_deref()),
            ("search.categories", self.category.as_ref().map(CategoryPath::as_str)),
            ("details.tags", self.tag.as_deref()),
            ("search.brand", self.brand.as_deref()),
            ("currency", self.currency.map(Currency::code)),
        ];
        all.extend(texts.into_iter().filter_map(|(field, value)| Some(doc! { field: value? })));
        if let Some(parent) = self.parent_id {
            all.push(doc! { "parentId": parent });
        }
        if let Some(least) = self.min_price {
            all.push(doc! { "priceMinor": { "$gte": least.minor() } });
        }
        if let Some(most) = self.max_price {
            all.push(doc! { "priceMinor": { "$lte": most.minor() } });
        }
        if let Some(in_stock) = self.in_stock {
            all.push(doc! { "inStock": in_stock });
        }
        all
    }

    /// Everything of the list in one query, in no order.
    pub fn query(&self) -> Document {
        let mut all = self.conditions();
        all.extend(self.search.iter().flat_map(|search| sought(search, WORDS)));
        conjunction(all)
    }
}

const TITLE_WORDS: &str = "search.titleWords";
const WORDS: &str = "search.words";

/// Every word that is looked for stands in this field.
fn sought(search: &Search, field: &str) -> Vec<Document> {
    let words = search.words.iter().map(|word| doc! { field: word });
    // A word holds letters and digits alone: nothing in it means anything to a regular expression.
    let prefix = search.prefix.iter().map(|prefix| doc! { field: { "$regex": format!("^{prefix}") } });
    let all: Vec<Document> = words.chain(prefix).collect();
    match &search.whole {
        Some(whole) if all.is_empty() => vec![doc! { field: whole }],
        _ => all,
    }
}

fn conjunction(mut all: Vec<Document>) -> Document {
    match all.len() {
        0 => Document::new(),
        1 => all.swap_remove(0),
        _ => doc! { "$and": all },
    }
}

impl Listing {
    /// The parts of the list from where the page begins.
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        for (tier, conditions) in self.tiers() {
            let Some(after) = self.after.as_ref().filter(|after| after.tier >= tier) else {
                parts.push(Part { tier, query: conjunction(conditions) });
                continue;
            };
            if after.tier > tier {
                continue;
            }
            // Two queries with exact bounds, and not one with `$or`: the planner would sort what its branches give.
            let (field, value) = sort_value(&after.key);
            let (beyond, later) = if is_descending(self.sort) { ("$lt", "$lt") } else { ("$gt", "$gt") };
            for position in
                [doc! { field: value.clone(), "_id": { later: after.id } }, doc! { field: { beyond: value } }]
            {
                let query = conjunction(conditions.iter().cloned().chain([position]).collect());
                parts.push(Part { tier, query });
            }
        }
        parts
    }

    /// By relevance: first what is called so whole or word by word, then what is called so as far as it was typed,
    /// then what the description adds.
    fn tiers(&self) -> Vec<(u8, Vec<Document>)> {
        let base = self.filter.conditions();
        let with = |more: Vec<Document>| base.iter().cloned().chain(more).collect::<Vec<_>>();
        let Some(search) = &self.filter.search else { return vec![(0, base)] };
        if self.sort != Sort::Relevance {
            return vec![(0, with(sought(search, WORDS)))];
        }
        let titled = sought(search, TITLE_WORDS);
        let exact = match (&search.whole, &search.prefix) {
            (Some(whole), _) => vec![doc! { TITLE_WORDS: whole }],
            (None, Some(last)) => {
                search.words.iter().chain([last]).map(|word| doc! { TITLE_WORDS: word }).collect()
            }
            (None, None) => Vec::new(),
        };
        let not = |conditions: &[Document]| doc! { "$nor": [{ "$and": conditions }] };
        let mut begun = titled.clone();
        begun.push(not(&exact));
        let mut described = sought(search, WORDS);
        described.push(not(&titled));
        vec![(0, with(exact)), (1, with(begun)), (2, with(described))]
    }
}

const fn is_descending(sort: Sort) -> bool {
    matches!(sort, Sort::Relevance | Sort::Newest | Sort::PriceDescending | Sort::NameDescending)
}

fn sort_value(key: &SortKey) -> (&'static str, Bson) {
    match key {
        SortKey::At(at) => ("createdAt", (*at).into()),
        SortKey::PriceMinor(minor) => ("priceMinor", (*minor).into()),
        SortKey::Name(name) => ("search.name", name.as_str().into()),
    }
}

/// The order of a list; `_id` makes it total.
pub fn order(sort: Sort) -> Document {
    let field = match sort {
        Sort::Relevance | Sort::Newest => "createdAt",
        Sort::Price | Sort::PriceDescending => "priceMinor",
        Sort::Name | Sort::NameDescending => "search.name",
    };
    let direction = if is_descending(sort) { -1 } else { 1 };
    doc! { field: direction, "_id": direction }
}

pub fn status_name(status: ProductStatus) -> &'static str {
    match status {
        ProductStatus::Draft => "draft",
        ProductStatus::Active => "active",
        ProductStatus::Archived => "archived",
    }
}

/// Equality first, then the order, then what only narrows: every list without words is read from one of these in its
/// order. Words have indexes of their own; where many products have them, the planner walks the order instead.
pub(super) fn indexes() -> Vec<IndexModel> {
    let unique = |partial: Option<Document>| {
        IndexOptions::builder().unique(true).partial_filter_expression(partial).build()
    };
    let named = |keys, options| IndexModel::builder().keys(keys).options(options).build();
    let external_ids = unique(Some(doc! { "details.externalId": { "$exists": true } }));
    let variants = unique(Some(doc! { "parentId": { "$exists": true } }));
    let mut indexes = vec![
        named(doc! { "sku": 1 }, unique(None)),
        named(doc! { "details.externalId": 1 }, external_ids),
        named(doc! { "parentId": 1, "search.options": 1 }, variants),
    ];
    let plain = [
        doc! { "status": 1, "createdAt": -1, "_id": -1 },
        // The last two let facets be counted from the index alone.
        doc! { "status": 1, "currency": 1, "priceMinor": 1, "_id": 1, "details.category": 1, "details.brand": 1 },
        doc! { "status": 1, "search.name": 1, "_id": 1 },
        doc! { "search.categories": 1, "status": 1, "createdAt": -1, "_id": -1 },
        doc! { "search.categories": 1, "status": 1, "currency": 1, "priceMinor": 1, "_id": 1 },
        doc! { "search.categories": 1, "status": 1, "search.name": 1, "_id": 1 },
        doc! { "search.brand": 1, "status": 1, "createdAt": -1, "_id": -1 },
        doc! { "details.tags": 1, "status": 1, "createdAt": -1, "_id": -1 },
        doc! { "search.titleWords": 1, "status": 1 },
        doc! { "search.words": 1, "status": 1 },
        super::events::products_by_change(),
    ];
    indexes.extend(plain.into_iter().map(|keys| IndexModel::builder().keys(keys).build()));
    indexes
}
