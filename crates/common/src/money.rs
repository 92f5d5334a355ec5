//! Money: integer minor units and checked arithmetic inside, a JSON number in major units on the wire.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// The largest amount, in minor units: 15 decimal digits pass through any JSON number unharmed.
pub const MAX_MINOR: i64 = 999_999_999_999_999;

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    pub const EUR: Self = Self(iso_currency::Currency::EUR);

    /// Decimals of the minor unit by ISO 4217: 2 for EUR, 0 for JPY, 3 for KWD.
    pub fn decimals(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }

    pub fn code(self) -> &'static str {
        self.0.code()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("must be a currency code of ISO 4217 such as EUR")]
pub struct InvalidCurrency;

impl FromStr for Currency {
    type Err = InvalidCurrency;
    fn from_str(code: &str) -> Result<Self, InvalidCurrency> {
        iso_currency::Currency::from_code(code).map(Self).ok_or(InvalidCurrency)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// An amount in minor units of a currency that stands beside it; never negative, at most [`MAX_MINOR`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

/// Why an amount was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoney {
    #[error("must not be negative")]
    Negative,
    #[error("must have at most {allowed} decimals in {currency}")]
    Decimals { allowed: u32, currency: &'static str },
    #[error("is larger than this system holds")]
    TooLarge,
}

impl Money {
    pub const ZERO: Self = Self(0);

    pub const fn from_minor(minor: i64) -> Result<Self, InvalidMoney> {
        if minor < 0 {
            return Err(InvalidMoney::Negative);
        }
        if minor > MAX_MINOR {
            return Err(InvalidMoney::TooLarge);
        }
        Ok(Self(minor))
    }

    pub const fn minor(self) -> i64 {
        self.0
    }

    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::from_minor(self.0.checked_add(other.0)?).ok()
    }

    pub fn checked_mul(self, quantity: u32) -> Option<Self> {
        Self::from_minor(self.0.checked_mul(i64::from(quantity))?).ok()
    }

    /// The amount in major units, as it stands on the wire.
    pub fn to_amount(self, currency: Currency) -> Amount {
        Amount(Decimal::new(self.0, currency.decimals()))
    }
}

/// A decimal number in major units as it came over the wire, before its currency is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Decimal);

impl Amount {
    /// Minor units, refused where the currency has fewer decimals than the number.
    pub fn to_money(self, currency: Currency) -> Result<Money, InvalidMoney> {
        let allowed = currency.decimals();
        let number = self.0.normalize();
        if number.is_sign_negative() && !number.is_zero() {
            return Err(InvalidMoney::Negative);
        }
        if number.scale() > allowed {
            return Err(InvalidMoney::Decimals { allowed, currency: currency.code() });
        }
        let factor = Decimal::from(10_i64.pow(allowed));
        let minor = number.checked_mul(factor).and_then(|minor| i64::try_from(minor).ok());
        Money::from_minor(minor.ok_or(InvalidMoney::TooLarge)?)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("must be a decimal number within 15 digits")]
pub struct InvalidAmount;

impl FromStr for Amount {
    type Err = InvalidAmount;
    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let parsed = if text.contains(['e', 'E']) {
            Decimal::from_scientific(text)
        } else {
            Decimal::from_str_exact(text)
        };
        parsed.map(Self).map_err(|_| InvalidAmount)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Amount {
    /// A JSON number. JSON's own number is a double; every amount of up to 15 digits is written by its shortest
    /// decimal form, which is the amount itself.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = self.0.normalize();
        if let Some(whole) = (number.scale() == 0).then(|| i64::try_from(number).ok()).flatten() {
            return serializer.serialize_i64(whole);
        }
        let double = number.to_string().parse::<f64>().map_err(serde::ser::Error::custom)?;
        serializer.serialize_f64(double)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl de::Visitor<'_> for Number {
            type Value = Amount;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Amount, E> {
                Ok(Amount(number.into()))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Amount, E> {
                Ok(Amount(number.into()))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Amount, E> {
                // The shortest decimal form of the double is what the sender wrote, within 15 digits.
                number.to_string().parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn decimals_follow_the_currency() {
        let money = |text: &str, code| text.parse::<Amount>().unwrap().to_money(currency(code));
        assert_eq!(money("19.99", "EUR").unwrap().minor(), 1999);
        assert_eq!(money("19.990", "EUR").unwrap().minor(), 1999);
        assert_eq!(money("1e2", "EUR").unwrap().minor(), 10_000);
        assert_eq!(money("1.5", "JPY"), Err(InvalidMoney::Decimals { allowed: 0, currency: "JPY" }));
        assert_eq!(money("1.234", "KWD").unwrap().minor(), 1234);
        assert_eq!(money("-0.01", "EUR"), Err(InvalidMoney::Negative));
        assert_eq!(money("-0", "EUR").unwrap(), Money::ZERO);
        assert_eq!(money("10000000000000", "EUR"), Err(InvalidMoney::TooLarge));
    }

    #[test]
    fn numbers_beyond_any_amount_are_refused_not_rounded() {
        for text in ["1e300", "0.1e-40", "1.5.5", "NaN", ""] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Amount>("1e300").is_err());
        assert!(serde_json::from_str::<Amount>("\"1\"").is_err());
    }

    #[test]
    fn arithmetic_is_checked() {
        let most = Money::from_minor(MAX_MINOR).unwrap();
        assert_eq!(most.checked_add(Money::from_minor(1).unwrap()), None);
        assert_eq!(most.checked_mul(2), None);
        assert_eq!(Money::from_minor(3).unwrap().checked_mul(4).unwrap().minor(), 12);
    }

    proptest! {
        #[test]
        fn every_amount_survives_json(minor in 0..=MAX_MINOR, code in prop::sample::select(vec!["EUR", "JPY", "KWD"])) {
            let (money, currency) = (Money::from_minor(minor).unwrap(), currency(code));
            let json = serde_json::to_string(&money.to_amount(currency)).unwrap();
            let back: Amount = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(back.to_money(currency).unwrap(), money);
        }
    }
}
