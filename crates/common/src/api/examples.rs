//! Identities in examples. Whoever runs an example puts what is really there in their place.

pub const ADDRESS: &str = "019a9c3e-0a11-7d2b-8c4f-2f1d6a7b0a01";
pub const CUSTOMER: &str = "019a9c3e-0a11-7d2b-8c4f-2f1d6a7b0c01";
pub const HOLD: &str = "019a9c3e-0a11-7d2b-8c4f-2f1d6a7b0b01";
pub const PRODUCT: &str = "019a9c3e-0a11-7d2b-8c4f-2f1d6a7b0d01";
