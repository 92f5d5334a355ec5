//! Whether the shop is open, as the gateway sees it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// `GET /healthz`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShopHealth {
    pub status: ShopStatus,
    /// Each service by its name.
    pub services: BTreeMap<String, ServiceStatus>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ShopStatus {
    /// Every service is ready.
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceStatus {
    Ready,
    /// It answers and says that it is not ready.
    Unready,
    /// It does not answer in time.
    Unreachable,
}
