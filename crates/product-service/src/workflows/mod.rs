//! The order of steps where one request has several effects.

pub mod change_category;
pub mod change_product;
pub mod change_stock;
pub mod create_category;
pub mod create_product;
pub mod post_entries;
pub mod show_products;
