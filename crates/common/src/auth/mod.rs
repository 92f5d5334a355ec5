//! Who is calling: access tokens of people, service tokens of our own services.

pub mod caller;
pub mod keys;
pub mod service_token;
pub mod signing;
pub mod token;
