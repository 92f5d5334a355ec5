//! Who is calling: access tokens of people, API keys of machines, service tokens of our own services.

pub mod api_key;
pub mod caller;
pub mod keys;
pub mod service_token;
pub mod signing;
pub mod token;
