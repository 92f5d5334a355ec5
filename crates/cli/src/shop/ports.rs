//! Ports of the machine: free ones, and the ones a shop had before.

use anyhow::bail;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, TcpListener};

/// Below the range that Linux gives to outgoing connections, which would take a port between two starts.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Where the two listeners of a service are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePorts {
    pub public: u16,
    pub internal: u16,
}

impl ServicePorts {
    pub fn public_url(self) -> String {
        format!("http://127.0.0.1:{}", self.public)
    }

    pub fn internal_url(self) -> String {
        format!("http://127.0.0.1:{}", self.internal)
    }
}

/// Every port of a shop; remembered, so that a restart finds the same addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ports {
    pub mongod: u16,
    pub redis: u16,
    pub gateway: ServicePorts,
    pub order: ServicePorts,
    pub customer: ServicePorts,
    pub product: ServicePorts,
}

impl Ports {
    /// Free ports, those of `before` where they are still free, and the gateway on its own.
    pub fn choose(gateway: u16, before: Option<Self>) -> anyhow::Result<Self> {
        let mut taken = vec![gateway];
        let mut choose = |before: Option<u16>| -> anyhow::Result<u16> {
            let port = match before {
                Some(port) if is_free(port) && !taken.contains(&port) => port,
                _ => free_port(&taken)?,
            };
            taken.push(port);
            Ok(port)
        };
        let mut pair = |before: Option<ServicePorts>| -> anyhow::Result<ServicePorts> {
            Ok(ServicePorts {
                public: choose(before.map(|ports| ports.public))?,
                internal: choose(before.map(|ports| ports.internal))?,
            })
        };
        let order = pair(before.map(|ports| ports.order))?;
        let customer = pair(before.map(|ports| ports.customer))?;
        let product = pair(before.map(|ports| ports.product))?;
        Ok(Self {
            mongod: choose(before.map(|ports| ports.mongod))?,
            redis: choose(before.map(|ports| ports.redis))?,
            gateway: ServicePorts {
                public: gateway,
                internal: choose(before.map(|ports| ports.gateway.internal))?,
            },
            order,
            customer,
            product,
        })
    }
}

/// Whether nobody listens there.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port where nobody listens, and not one of those promised already.
pub fn free_port(promised: &[u16]) -> anyhow::Result<u16> {
    for _ in 0..200 {
        let mut random = [0_u8; 2];
        getrandom::fill(&mut random)?;
        let port = FIRST + u16::from_le_bytes(random) % COUNT;
        if !promised.contains(&port) && is_free(port) {
            return Ok(port);
        }
    }
    bail!("no free port was found between {FIRST} and {}", FIRST + COUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_kept_while_they_are_free_and_changed_when_they_are_not() {
        let gateway = free_port(&[]).unwrap();
        let first = Ports::choose(gateway, None).unwrap();
        assert_eq!(Ports::choose(gateway, Some(first)).unwrap(), first);
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first.mongod)).unwrap();
        let second = Ports::choose(gateway, Some(first)).unwrap();
        assert_ne!(second.mongod, first.mongod);
        assert_eq!((second.redis, second.order), (first.redis, first.order));
    }
}
