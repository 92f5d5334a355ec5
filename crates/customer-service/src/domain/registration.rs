//! A registration: who may leave out what, and when two are the same.

use common::ids::CustomerId;
use common::models::customer::{NewCustomer, PersonName};
use common::text::{Email, Password};
use sha2::{Digest, Sha256};

/// An account to be made.
#[derive(Clone, Debug)]
pub struct Registration {
    pub email: Email,
    pub name: PersonName,
    /// `None`: the account has no log-in of its own.
    pub password: Option<Password>,
}

/// Only staff may make an account that nobody can log in to.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a registration needs a password")]
pub struct PasswordMissing;

impl Registration {
    pub fn parse(body: NewCustomer, by_staff: bool) -> Result<Self, PasswordMissing> {
        if body.password.is_none() && !by_staff {
            return Err(PasswordMissing);
        }
        Ok(Self { email: body.email, name: body.name, password: body.password })
    }

    /// The identity of an account registered under an idempotency key.
    pub fn derived_id(&self, key: &[u8]) -> CustomerId {
        CustomerId::derived(&[b"register", self.email.key().as_bytes(), key])
    }

    /// What tells whether a repeat asks for the same. The password is not in it: a fast hash of a password can be
    /// guessed, so a repeat is checked against the slow one.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [self.email.as_str(), self.name.as_str()] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(email: &str, name: &str, password: Option<&str>) -> NewCustomer {
        NewCustomer {
            email: email.parse().unwrap(),
            password: password.map(|text| text.parse().unwrap()),
            name: name.parse().unwrap(),
        }
    }

    fn registration(email: &str, name: &str) -> Registration {
        Registration::parse(body(email, name, Some("correct horse")), false).unwrap()
    }

    #[test]
    fn only_staff_may_leave_the_password_out() {
        let without = body("ada@example.org", "Ada", None);
        assert_eq!(Registration::parse(without.clone(), false).unwrap_err(), PasswordMissing);
        assert!(Registration::parse(without, true).is_ok());
    }

    #[test]
    fn one_address_and_key_are_one_identity_whatever_the_case_of_the_address() {
        let (one, other) = (registration("ada@example.org", "Ada"), registration("ADA@example.org", "Ada"));
        assert_eq!(one.derived_id(b"1"), other.derived_id(b"1"));
        assert_ne!(one.derived_id(b"1"), one.derived_id(b"2"));
        assert_ne!(one.derived_id(b"1"), registration("eve@example.org", "Ada").derived_id(b"1"));
    }

    #[test]
    fn a_fingerprint_depends_on_address_and_name_and_not_on_the_password() {
        let ada = registration("ada@example.org", "Ada");
        let other_password = Registration { password: None, ..ada.clone() };
        assert_eq!(ada.fingerprint(), other_password.fingerprint());
        assert_ne!(ada.fingerprint(), registration("ada@example.org", "Eve").fingerprint());
        assert_ne!(ada.fingerprint(), registration("eve@example.org", "Ada").fingerprint());
    }
}
