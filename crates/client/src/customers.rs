//! Customers: registering, reading, changing.

use crate::call::Created;
use crate::client::Client;
use crate::error::Error;
use crate::page::Page;
use common::ids::CustomerId;
use common::models::customer::{Customer, CustomerChange, NewCustomer};
use common::text::Email;
use reqwest::Method;

impl Client {
    /// `POST /customers`. `key` names the intention across processes; `None` takes a fresh one.
    pub async fn register_customer(
        &self,
        customer: &NewCustomer,
        key: Option<&str>,
    ) -> Result<Created<Customer>, Error> {
        self.call(Method::POST, &["customers"]).key(key).json(customer).send().await?.created()
    }

    /// `GET /customers/{id}`
    pub async fn customer(&self, id: CustomerId) -> Result<Customer, Error> {
        self.call(Method::GET, &["customers", &id.to_string()]).send().await?.decode()
    }

    /// One page of `GET /customers`; `limit` 1 to 200, 50 where it is `None`.
    pub async fn customers(&self, limit: Option<u8>, after: Option<&str>) -> Result<Page<Customer>, Error> {
        self.call(Method::GET, &["customers"]).page(limit, after).send().await?.page()
    }

    /// One page of `GET /customers` by how an address or a name begins, without regard to case, in the order of that;
    /// of all of them, newest first, where neither is given.
    pub async fn find_customers(
        &self,
        email: Option<&str>,
        name: Option<&str>,
        limit: Option<u8>,
        after: Option<&str>,
    ) -> Result<Page<Customer>, Error> {
        let call = self.call(Method::GET, &["customers"]).query("email", email).query("name", name);
        call.page(limit, after).send().await?.page()
    }

    /// The customer with this address, without regard to case: `GET /customers?email=`.
    pub async fn customer_by_email(&self, email: &Email) -> Result<Option<Customer>, Error> {
        let call = self.call(Method::GET, &["customers"]).query("email", Some(email.as_str()));
        // Those whose address only begins so stand behind it.
        let found: Vec<Customer> = call.send().await?.decode()?;
        Ok(found.into_iter().find(|customer| customer.email.key() == email.key()))
    }

    /// `PATCH /customers/{id}`; 412 where the customer is no longer at `version`. Not sent again after an unclear
    /// failure: another change may have come between.
    pub async fn change_customer(
        &self,
        id: CustomerId,
        change: &CustomerChange,
        version: Option<i64>,
    ) -> Result<Customer, Error> {
        let call = self.call(Method::PATCH, &["customers", &id.to_string()]);
        call.if_match(version).json(change).send().await?.decode()
    }
}
