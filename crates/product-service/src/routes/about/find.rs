//! Finding products.

use common::api::about::About;
use common::models::facets::ProductFacets;
use common::models::product::Product;

pub fn list_products() -> About {
    About::new("List or find products")
        .text("Those on sale, unless staff ask for others by `status`. `q` looks for words in name, sku and description.")
        .lists::<Product>()
        .cached()
        .refuses(403, &["forbidden", "insufficient_scope"])
}

pub fn count_facets() -> About {
    About::new("Count products by what they may be narrowed by")
        .text("The filters of the list, in one currency.")
        .tells::<ProductFacets>()
        .cached()
        .refuses(403, &["forbidden", "insufficient_scope"])
}
