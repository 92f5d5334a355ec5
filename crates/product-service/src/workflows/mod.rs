//! The order of steps where one request has several effects.

pub mod change_category;
pub mod change_product;
pub mod change_stock;
pub mod create_category;
pub mod create_product;
pub mod explain_stock;
pub mod export_rows;
pub mod forecast_effects;
mod foresee;
pub mod hold_stock;
pub mod import_products;
pub mod import_stock;
pub mod keep_locations;
pub mod list_low_stock;
pub mod post_entries;
pub mod quote_order;
pub mod show_products;
