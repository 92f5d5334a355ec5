//! Words of the API as arguments and in tables.

use crate::desk::output::Cell;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use common::models::order::Quantity;
use common::money::{Amount, Currency};
use common::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::str::FromStr;

/// An argument that is one of these words of the API.
pub fn one_of<T>(known: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(known).try_map(|word| serde_json::from_value::<T>(Value::String(word)))
}

/// As the API writes it.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// With all decimals of the currency, which an amount from the wire has lost; without the currency for spreadsheets.
pub fn money(amount: Amount, currency: Currency) -> Cell {
    let amount = amount.to_money(currency).map_or(amount, |money| money.to_amount(currency));
    Cell::from(format!("{amount} {currency}")).or_plain(amount.to_string())
}

/// To the second for people, to the millisecond for spreadsheets.
pub fn moment(at: Timestamp) -> Cell {
    Cell::from(seconds(at)).or_plain(at.to_string())
}

/// To the second.
pub fn seconds(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('.').map_or(text.clone(), |(seconds, _)| format!("{}Z", seconds.replace('T', " ")))
}

/// `SKU=UNITS`, or a sku alone for one unit.
#[derive(Clone, Debug)]
pub struct WantedLine {
    pub product: String,
    pub quantity: Quantity,
}

#[derive(Debug, thiserror::Error)]
#[error("must be SKU=UNITS, with 1 to {} units", Quantity::MAX)]
pub struct InvalidLine;

impl FromStr for WantedLine {
    type Err = InvalidLine;
    fn from_str(text: &str) -> Result<Self, InvalidLine> {
        let (product, units) = text.rsplit_once('=').unwrap_or((text, "1"));
        let units: u32 = units.parse().map_err(|_| InvalidLine)?;
        let quantity = units.try_into().map_err(|_| InvalidLine)?;
        if product.is_empty() {
            return Err(InvalidLine);
        }
        Ok(Self { product: product.to_owned(), quantity })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_sku_and_units() {
        let line = |text: &str| text.parse::<WantedLine>().map(|line| (line.product, line.quantity.get()));
        assert_eq!(line("ML-MUG-01=2").unwrap(), ("ML-MUG-01".to_owned(), 2));
        assert_eq!(line("ML-MUG-01").unwrap(), ("ML-MUG-01".to_owned(), 1));
        assert_eq!(line("A=B=3").unwrap(), ("A=B".to_owned(), 3));
        for bad in ["", "=2", "A=", "A=0", "A=-1", "A=1.5", "A=1000001"] {
            assert!(line(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn money_and_moments_are_written_for_people() {
        assert_eq!(money("16.5".parse().unwrap(), Currency::EUR).to_string(), "16.50 EUR");
        assert_eq!(money("500".parse().unwrap(), "JPY".parse().unwrap()).to_string(), "500 JPY");
        assert_eq!(seconds(Timestamp::from_millis(1_767_225_600_123)), "2026-01-01 00:00:00Z");
    }
}
