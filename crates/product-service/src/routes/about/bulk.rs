//! Files of products and stock.

use common::api::about::About;
use common::models::auth::Scope;
use common::models::bulk::ImportReport;

const FORMATS: &[&str] = &["text/csv", "application/x-ndjson"];

pub fn import_product_file() -> About {
    About::new("Put a file of products in")
        .text(
            "A heading names the columns; a row changes the product of its `sku` (or `externalId`), or makes it. A row that \
             cannot go in is told of in the answer, and those around it do.",
        )
        .needs(Scope::ProductsWrite)
        .takes_file(FORMATS, "sku,name,price,currency\nML-SOCK-02,Thick walking socks,21.50,EUR\n")
        .tells::<ImportReport>()
}

pub fn import_stock_file() -> About {
    About::new("Put a file of stock in")
        .text("Each row sets what is available of a product, at a place where it names one.")
        .needs(Scope::StockWrite)
        .takes_file(FORMATS, "sku,quantity\nML-SOCK-02,40\n")
        .tells::<ImportReport>()
}

pub fn export_product_file() -> About {
    About::new("Take a file of all products")
        .text("In the columns that an import reads.")
        .needs(Scope::ProductsRead)
        .sends_file(FORMATS)
}

pub fn export_stock_file() -> About {
    About::new("Take a file of all stock")
        .text("In the columns that an import reads.")
        .needs(Scope::StockRead)
        .sends_file(FORMATS)
}
