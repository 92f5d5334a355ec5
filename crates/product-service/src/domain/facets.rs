//! Counts of a list, put into the shape that people narrow it by.

use common::models::category::CategoryPath;
use common::models::facets::{BrandCount, CategoryCount, PriceBand, ProductFacets};
use common::money::{Currency, Money};
use std::collections::BTreeMap;

/// Where the bands of prices begin, in major units.
const BANDS: [i64; 10] = [0, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000];

/// Most categories and most brands that are told.
pub const MOST: usize = 100;

/// Counts as they were made: by the category itself, the brand, and the lower bound of the band in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub categories: Vec<(CategoryPath, u64)>,
    pub brands: Vec<(String, u64)>,
    pub bands: Vec<(i64, u64)>,
}

/// Where the bands begin in minor units of this currency.
pub fn bounds(currency: Currency) -> Vec<i64> {
    let minor = 10_i64.pow(currency.decimals());
    BANDS.iter().map(|major| major * minor).collect()
}

/// Every category gets what its branches hold.
pub fn facets(counts: Counts, currency: Currency) -> ProductFacets {
    let mut by_path: BTreeMap<String, u64> = BTreeMap::new();
    for (path, count) in &counts.categories {
        for category in path.branch() {
            *by_path.entry(category.to_owned()).or_default() += count;
        }
    }
    let categories = by_path.into_iter().filter_map(|(path, count)| Some((path.parse().ok()?, count)));
    let bounds = bounds(currency);
    let amount = |minor: i64| Money::from_minor(minor).unwrap_or_default().to_amount(currency);
    let band = |(from, count): (i64, u64)| PriceBand {
        from: amount(from),
        to: bounds.iter().find(|bound| **bound > from).map(|to| amount(*to)),
        count,
    };
    let mut bands = counts.bands;
    bands.sort_unstable();
    ProductFacets {
        currency,
        count: bands.iter().map(|(_, count)| count).sum(),
        categories: most(categories.collect(), |category, count| CategoryCount { category, count }),
        brands: most(counts.brands, |brand, count| BrandCount { brand, count }),
        prices: bands.into_iter().map(band).collect(),
    }
}

/// Those with the highest counts first; equal ones in their own order.
fn most<T: Ord, S>(mut counted: Vec<(T, u64)>, shape: impl Fn(T, u64) -> S) -> Vec<S> {
    counted.sort_unstable_by(|(left, few), (right, many)| many.cmp(few).then_with(|| left.cmp(right)));
    counted.into_iter().take(MOST).map(|(value, count)| shape(value, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_counts_what_its_branches_hold() {
        let counts = Counts {
            categories: vec![
                ("home".parse().unwrap(), 1),
                ("home/kitchen".parse().unwrap(), 2),
                ("home/kitchen/pots".parse().unwrap(), 3),
                ("toys".parse().unwrap(), 6),
            ],
            brands: vec![("b".into(), 2), ("a".into(), 2), ("c".into(), 5)],
            bands: vec![(2500, 4), (0, 8), (1_000_000, 1)],
        };
        let found = facets(counts, Currency::EUR);
        let categories: Vec<_> =
            found.categories.iter().map(|found| (found.category.as_str(), found.count)).collect();
        assert_eq!(categories, [("home", 6), ("toys", 6), ("home/kitchen", 5), ("home/kitchen/pots", 3)]);
        let brands: Vec<_> = found.brands.iter().map(|found| found.brand.as_str()).collect();
        assert_eq!((brands, found.count), (vec!["c", "a", "b"], 13));
        let json = serde_json::to_value(&found.prices).unwrap();
        assert_eq!(
            json,
            serde_json::json!([
                { "from": 0, "to": 10, "count": 8 },
                { "from": 25, "to": 50, "count": 4 },
                { "from": 10000, "count": 1 },
            ])
        );
    }

    #[test]
    fn bands_follow_the_decimals_of_the_currency() {
        assert_eq!(bounds("JPY".parse().unwrap()).get(1), Some(&10));
        assert_eq!(bounds("KWD".parse().unwrap()).get(1), Some(&10_000));
    }
}
