//! The JSON shapes of the public API and of the calls between services.

pub mod address;
pub mod api_key;
pub mod audit;
pub mod auth;
pub mod bulk;
pub mod category;
pub mod customer;
pub mod event;
pub mod facets;
pub mod fulfillment;
pub mod health;
pub mod inventory;
pub mod ledger;
pub mod location;
pub mod object;
pub mod order;
pub mod order_change;
pub mod order_label;
pub mod order_return;
pub mod patch;
pub mod product;
pub mod product_details;
pub mod reservation;
