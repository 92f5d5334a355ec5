//! What a file comes to: invoices with their goods, products, customers, and where every line went.

use super::lines::{Goods, InvoiceKind, Reason, goods_of};
use super::source::Row;
use common::models::order::{MAX_LINES, Quantity};
use common::models::product::ProductName;
use common::money::{Amount, Currency};
use common::text::Sku;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

/// A place in [`Plan::products`].
pub type ProductIndex = usize;

/// A place in [`Plan::customers`].
pub type CustomerIndex = usize;

/// Longest customer number that is kept: an e-mail address is made of it.
const CUSTOMER_NUMBER: usize = 40;

/// One invoice and its goods, each product once.
#[derive(Debug)]
pub struct Invoice {
    pub number: String,
    pub kind: InvoiceKind,
    pub customer: CustomerIndex,
    /// In the order of the file.
    pub lines: Vec<(ProductIndex, Quantity)>,
    /// Lines that were added to another one of the same product.
    pub added_up: u64,
}

/// One stock code.
#[derive(Debug)]
pub struct PlannedProduct {
    pub sku: Sku,
    /// First description and price of a sale; none where the code was only ever taken back.
    pub offer: Option<Offer>,
    /// Units of all sales of the whole file.
    pub sold: u64,
    /// Whether an invoice within the limit sells it.
    pub is_needed: bool,
}

#[derive(Debug)]
pub struct Offer {
    pub name: ProductName,
    pub price: Amount,
}

/// The whole file in memory, as small as it goes: a line is a product and a quantity.
#[derive(Debug)]
pub struct Plan {
    pub currency: Currency,
    /// In the order in which their first lines stand in the file.
    pub invoices: Vec<Invoice>,
    pub products: Vec<PlannedProduct>,
    /// Customer numbers; the walk-in customer's is empty.
    pub customers: Vec<String>,
    /// Lines of the invoices within the limit.
    pub lines_read: u64,
    /// Lines of invoices past the limit: read only for the stock they need.
    pub lines_past_limit: u64,
    pub left_out: BTreeMap<Reason, u64>,
}

impl Plan {
    /// Reads every row; only the first `limit` invoices are kept.
    pub fn read(rows: impl Iterator<Item = anyhow::Result<Row>>, limit: usize) -> anyhow::Result<Self> {
        let mut planner = Planner::new("GBP".parse()?, limit);
        for row in rows {
            planner.add(&row?);
        }
        Ok(planner.plan)
    }

    /// Places of the invoices that become orders.
    pub fn orders(&self) -> impl Iterator<Item = usize> {
        let sales = |invoice: &Invoice| invoice.kind == InvoiceKind::Sale && !invoice.lines.is_empty();
        self.invoices.iter().enumerate().filter(move |(_, invoice)| sales(invoice)).map(|(place, _)| place)
    }
}

struct Planner {
    plan: Plan,
    limit: usize,
    invoices: HashMap<String, usize>,
    products: HashMap<Sku, ProductIndex>,
    customers: HashMap<String, CustomerIndex>,
}

impl Planner {
    fn new(currency: Currency, limit: usize) -> Self {
        let plan = Plan {
            currency,
            invoices: Vec::new(),
            products: Vec::new(),
            customers: Vec::new(),
            lines_read: 0,
            lines_past_limit: 0,
            left_out: BTreeMap::new(),
        };
        Self { plan, limit, invoices: HashMap::new(), products: HashMap::new(), customers: HashMap::new() }
    }

    fn add(&mut self, row: &Row) {
        let goods = goods_of(row, self.plan.currency);
        let product = goods.ok().and_then(|goods| Some((self.see_product(row, goods)?, goods.units)));
        if row.invoice.is_empty() {
            self.plan.lines_read += 1;
            self.leave_out(Reason::Unreadable);
            return;
        }
        let Some(place) = self.see_invoice(row) else {
            self.plan.lines_past_limit += 1;
            return;
        };
        self.plan.lines_read += 1;
        let kept = match (goods, product) {
            (Err(reason), _) => Err(reason),
            (Ok(_), Some((product, units))) => self.add_goods(place, product, units),
            (Ok(_), None) => Err(Reason::Unreadable),
        };
        if let Err(reason) = kept {
            self.leave_out(reason);
        }
    }

    fn leave_out(&mut self, reason: Reason) {
        *self.plan.left_out.entry(reason).or_default() += 1;
    }

    /// The product of a line; a sale counts towards the stock it needs, within the limit or not.
    fn see_product(&mut self, row: &Row, goods: Goods) -> Option<ProductIndex> {
        let sku = sku_of(&row.stock_code)?;
        let products = &mut self.plan.products;
        let index = match self.products.entry(sku) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let sku = new.key().clone();
                products.push(PlannedProduct { sku, offer: None, sold: 0, is_needed: false });
                *new.insert(products.len() - 1)
            }
        };
        if InvoiceKind::of(&row.invoice) == InvoiceKind::Sale
            && let Some(product) = products.get_mut(index)
        {
            product.sold += u64::from(goods.units.get());
            if product.offer.is_none() {
                product.offer = name_of(row).map(|name| Offer { name, price: goods.price });
            }
        }
        Some(index)
    }

    /// The place of a line's invoice, or nothing past the limit.
    fn see_invoice(&mut self, row: &Row) -> Option<usize> {
        if let Some(place) = self.invoices.get(&row.invoice) {
            return Some(*place);
        }
        if self.plan.invoices.len() >= self.limit {
            return None;
        }
        let number = customer_number(&row.customer);
        let customers = &mut self.plan.customers;
        let customer = match self.customers.entry(number) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                customers.push(new.key().clone());
                *new.insert(customers.len() - 1)
            }
        };
        let place = self.plan.invoices.len();
        self.invoices.insert(row.invoice.clone(), place);
        self.plan.invoices.push(Invoice {
            number: row.invoice.clone(),
            kind: InvoiceKind::of(&row.invoice),
            customer,
            lines: Vec::new(),
            added_up: 0,
        });
        Some(place)
    }

    /// Puts goods on an invoice, added up with those of the same product.
    fn add_goods(&mut self, place: usize, product: ProductIndex, units: Quantity) -> Result<(), Reason> {
        let invoice = self.plan.invoices.get_mut(place).ok_or(Reason::Unreadable)?;
        if let Some((_, sum)) = invoice.lines.iter_mut().find(|(known, _)| *known == product) {
            let more = sum.get().checked_add(units.get()).and_then(|sum| Quantity::try_from(sum).ok());
            *sum = more.ok_or(Reason::BeyondLimits)?;
            invoice.added_up += 1;
            return Ok(());
        }
        if invoice.lines.len() == MAX_LINES {
            return Err(Reason::BeyondLimits);
        }
        invoice.lines.push((product, units));
        if invoice.kind == InvoiceKind::Sale
            && let Some(product) = self.plan.products.get_mut(product)
        {
            product.is_needed = true;
        }
        Ok(())
    }
}

/// The text in visible ASCII: everything else becomes a hyphen.
pub fn visible(text: &str, longest: usize) -> String {
    text.chars().take(longest).map(|c| if c.is_ascii_graphic() { c } else { '-' }).collect()
}

/// The stock code as a valid sku.
fn sku_of(stock_code: &str) -> Option<Sku> {
    visible(stock_code, 64).parse().ok()
}

/// The description in the file, or the stock code where that is none.
fn name_of(row: &Row) -> Option<ProductName> {
    [&row.description, &row.stock_code].into_iter().find_map(|text| {
        let printable: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
        printable.parse().ok()
    })
}

/// `17850` for `17850.0`, as spreadsheets write it; empty for none.
fn customer_number(text: &str) -> String {
    let number = text.strip_suffix(".0").unwrap_or(text);
    let plain = number.chars().take(CUSTOMER_NUMBER).map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    plain.collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A plan of (invoice, customer, stock code, quantity) at a price of 1.25.
    pub fn plan_of(lines: &[(&str, &str, &str, i64)], limit: usize) -> Plan {
        let rows = lines.iter().map(|(invoice, customer, stock_code, quantity)| {
            Ok(Row {
                invoice: (*invoice).into(),
                stock_code: (*stock_code).into(),
                description: format!("{stock_code} OF {invoice}"),
                quantity: quantity.to_string(),
                unit_price: "1.25".into(),
                customer: (*customer).into(),
            })
        });
        Plan::read(rows, limit).unwrap()
    }

    fn lines(invoice: &Invoice) -> Vec<(usize, u32)> {
        invoice.lines.iter().map(|(product, units)| (*product, units.get())).collect()
    }

    #[test]
    fn an_invoice_gathers_its_lines_wherever_they_stand_and_adds_up_equal_products() {
        let plan = plan_of(
            &[("1", "7.0", "A", 2), ("2", "", "B1", 1), ("1", "7.0", "B1", 3), ("1", "7.0", "A", 5)],
            usize::MAX,
        );
        assert_eq!(plan.customers, ["7", ""]);
        assert_eq!(lines(&plan.invoices[0]), [(0, 7), (1, 3)]);
        assert_eq!((plan.invoices[0].added_up, plan.lines_read), (1, 4));
        assert_eq!(plan.orders().collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn a_product_has_the_name_and_price_of_its_first_sale_and_stock_for_all_of_them() {
        let plan = plan_of(&[("C1", "7", "A", -1), ("2", "7", "A", 2), ("3", "8", "A", 5)], 2);
        assert_eq!(&*plan.products[0].offer.as_ref().unwrap().name, "A OF 2");
        assert_eq!((plan.products[0].sold, plan.products[0].is_needed), (7, true));
        assert_eq!((plan.invoices.len(), plan.lines_read, plan.lines_past_limit), (2, 2, 1));
    }

    #[test]
    fn every_line_ends_in_exactly_one_bucket() {
        let too_many = i64::from(Quantity::MAX);
        let plan = plan_of(
            &[
                ("1", "", "A", 1),
                ("1", "", "A", too_many),
                ("1", "", "POST", 1),
                ("", "", "A", 1),
                ("A9", "", "B", 1),
            ],
            usize::MAX,
        );
        let kept: u64 =
            plan.invoices.iter().map(|invoice| invoice.added_up + invoice.lines.len() as u64).sum();
        assert_eq!(kept + plan.left_out.values().sum::<u64>(), plan.lines_read);
        assert_eq!(plan.left_out[&Reason::BeyondLimits], 1);
        assert_eq!((plan.invoices.len(), plan.orders().count()), (2, 1));
    }

    #[test]
    fn codes_and_numbers_become_valid_whatever_they_hold() {
        assert_eq!(sku_of("BANK CHARGES ü").unwrap().as_str(), "BANK-CHARGES--");
        assert_eq!(customer_number("12 34@x.0"), "12-34-x");
        let row = Row { stock_code: "X\u{7}1".into(), description: " \u{1} ".into(), ..Row::default() };
        assert_eq!(&*name_of(&row).unwrap(), "X1");
    }
}
