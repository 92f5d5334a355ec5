//! Which line of an invoice is a sale of goods, and why another is not.

use super::source::Row;
use common::models::order::Quantity;
use common::money::{Amount, Currency, InvalidMoney};

/// Codes that stand for something other than goods, in any case of letters.
const NO_GOODS: [(&str, Reason); 10] = [
    ("POST", Reason::Carriage),
    ("DOT", Reason::Carriage),
    ("C2", Reason::Carriage),
    ("M", Reason::Manual),
    ("D", Reason::Discount),
    ("S", Reason::Samples),
    ("AMAZONFEE", Reason::Fee),
    ("BANK CHARGES", Reason::Fee),
    ("CRUK", Reason::Fee),
    ("B", Reason::BadDebt),
];

/// Why a line is no sale of goods. Each line has the first of these that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// No invoice number, no stock code, or a quantity or price that is no number.
    Unreadable,
    BadDebt,
    Carriage,
    Discount,
    Fee,
    Manual,
    Samples,
    /// Damage, loss and corrections of stock that were booked as invoices.
    NotAboveZero,
    /// A cancellation that adds.
    NotBelowZero,
    PriceNegative,
    PriceZero,
    PriceBelowPenny,
    BeyondLimits,
}

impl Reason {
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::BadDebt => "bad debt (A…, B)",
            Self::Carriage => "no goods: carriage (POST, DOT, C2)",
            Self::Discount => "no goods: discount (D)",
            Self::Fee => "no goods: fee (AMAZONFEE, BANK CHARGES, CRUK)",
            Self::Manual => "no goods: manual entry (M)",
            Self::Samples => "no goods: samples (S)",
            Self::NotAboveZero => "quantity not above zero (damage, loss, correction)",
            Self::NotBelowZero => "cancellation of a quantity not below zero",
            Self::PriceNegative => "price below zero",
            Self::PriceZero => "price zero (found, given away)",
            Self::PriceBelowPenny => "price with a fraction of a penny",
            Self::BeyondLimits => "more units or lines than an order holds",
        }
    }
}

/// Whether an invoice sells, or takes back an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvoiceKind {
    Sale,
    Cancellation,
}

impl InvoiceKind {
    /// By the letter before the number: none or `C`. Others, such as `A` for bad debt, are sales without a line.
    pub fn of(invoice: &str) -> Self {
        if invoice.starts_with(['C', 'c']) { Self::Cancellation } else { Self::Sale }
    }
}

/// So many units of goods, sold or taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goods {
    pub units: Quantity,
    /// In pounds, more than zero.
    pub price: Amount,
}

/// The goods of a line of an invoice in this currency, or why there are none.
pub fn goods_of(row: &Row, currency: Currency) -> Result<Goods, Reason> {
    if row.invoice.is_empty() || row.stock_code.is_empty() {
        return Err(Reason::Unreadable);
    }
    let quantity: i64 = row.quantity.parse().map_err(|_| Reason::Unreadable)?;
    let price: Amount = row.unit_price.parse().map_err(|_| Reason::Unreadable)?;
    match row.invoice.chars().next() {
        Some('A' | 'a') => return Err(Reason::BadDebt),
        Some('C' | 'c' | '0'..='9') => {}
        _ => return Err(Reason::Unreadable),
    }
    if let Some((_, reason)) = NO_GOODS.iter().find(|(code, _)| code.eq_ignore_ascii_case(&row.stock_code)) {
        return Err(*reason);
    }
    let units = match InvoiceKind::of(&row.invoice) {
        InvoiceKind::Sale if quantity <= 0 => return Err(Reason::NotAboveZero),
        InvoiceKind::Cancellation if quantity >= 0 => return Err(Reason::NotBelowZero),
        InvoiceKind::Sale | InvoiceKind::Cancellation => quantity.unsigned_abs(),
    };
    match price.to_money(currency) {
        Ok(money) if money.minor() == 0 => return Err(Reason::PriceZero),
        Ok(_) => {}
        Err(InvalidMoney::Negative) => return Err(Reason::PriceNegative),
        Err(InvalidMoney::Decimals { .. }) => return Err(Reason::PriceBelowPenny),
        Err(InvalidMoney::TooLarge) => return Err(Reason::BeyondLimits),
    }
    let units = u32::try_from(units).ok().and_then(|units| Quantity::try_from(units).ok());
    Ok(Goods { units: units.ok_or(Reason::BeyondLimits)?, price })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(invoice: &str, stock_code: &str, quantity: &str, unit_price: &str) -> Result<u32, Reason> {
        let row = Row {
            invoice: invoice.into(),
            stock_code: stock_code.into(),
            quantity: quantity.into(),
            unit_price: unit_price.into(),
            ..Row::default()
        };
        goods_of(&row, "GBP".parse().unwrap()).map(|goods| goods.units.get())
    }

    #[test]
    fn goods_are_sold_and_taken_back() {
        assert_eq!(judge("536365", "85123A", "6", "2.55"), Ok(6));
        assert_eq!(judge("C536379", "85123a", "-12", "4.65"), Ok(12));
        assert_eq!(judge("539492", "gift_0001_40", "1", "34.04"), Ok(1));
        assert_eq!(judge("538071", "DCGS0076", "1", "16.130"), Ok(1));
    }

    #[test]
    fn every_other_line_has_its_reason() {
        for (invoice, code, quantity, price, reason) in [
            ("", "85123A", "6", "2.55", Reason::Unreadable),
            ("536365", "", "6", "2.55", Reason::Unreadable),
            ("536365", "85123A", "six", "2.55", Reason::Unreadable),
            ("536365", "85123A", "6", "", Reason::Unreadable),
            ("X36365", "85123A", "6", "2.55", Reason::Unreadable),
            ("A563186", "B", "1", "-11062.06", Reason::BadDebt),
            ("536370", "POST", "3", "18", Reason::Carriage),
            ("536544", "DOT", "1", "569.77", Reason::Carriage),
            ("C536379", "D", "-1", "27.50", Reason::Discount),
            ("537434", "AMAZONFEE", "1", "13541.33", Reason::Fee),
            ("540118", "bank charges", "1", "15", Reason::Fee),
            ("561865", "m", "1", "0.42", Reason::Manual),
            ("C538342", "S", "-1", "10", Reason::Samples),
            ("536589", "21777", "-10", "0", Reason::NotAboveZero),
            ("536589", "21777", "0", "1", Reason::NotAboveZero),
            ("C536589", "21777", "1", "1", Reason::NotBelowZero),
            ("536589", "21777", "1", "-1", Reason::PriceNegative),
            ("536414", "22139", "56", "0.0", Reason::PriceZero),
            ("550193", "PADS", "1", "0.001", Reason::PriceBelowPenny),
            ("536365", "85123A", "1000001", "1", Reason::BeyondLimits),
        ] {
            assert_eq!(
                judge(invoice, code, quantity, price),
                Err(reason),
                "{invoice} {code} {quantity} {price}"
            );
        }
    }
}
