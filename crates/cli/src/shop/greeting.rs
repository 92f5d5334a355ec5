//! The first things a newcomer needs: a filled catalogue, the address, the log-in, and three calls to paste.

use super::directory::shell_quoted;
use super::services::{Service, ServicesPlan};
use anyhow::Context as _;
use common::ids::{CustomerId, ProductId};
use common::models::auth::Role;
use oms_client::Client;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

const JSON: &str = "-H 'content-type: application/json'";

/// A client with the rights of the shop's administrator.
fn administrator(plan: &ServicesPlan) -> anyhow::Result<Client> {
    let password = plan.admin.password.expose_secret();
    let client = Client::builder(&plan.gateway_url()).credentials(&plan.admin.email, password).build();
    client.context("ADMIN_EMAIL and ADMIN_PASSWORD")
}

/// Fills a shop that has no products; answers how many it has got.
pub async fn seed_if_empty(plan: &ServicesPlan) -> anyhow::Result<usize> {
    let client = administrator(plan)?;
    if !client.products(None, Some(1), None).await.context("read the catalogue")?.items.is_empty() {
        return Ok(0);
    }
    let seeded = crate::seed::seed(&client).await.context("fill the empty shop")?;
    Ok(seeded.products.len())
}

/// What to say when the shop is open.
pub async fn compose(plan: &ServicesPlan) -> anyhow::Result<String> {
    let url = plan.gateway_url();
    let (email, password) = (&plan.admin.email, plan.admin.password.expose_secret());
    let mut text = format!(
        "\nThe shop is ready: {url}\n\n  admin     {email}\n  password  {password}\n\nTo paste into a shell:\n\n\
         curl -s '{url}/products?limit=5'; echo\n"
    );
    match ids_to_call_with(plan).await {
        Ok((customer, Some(product))) => {
            text +=
                &format!("\n{}\n\n{}\n", order_line(plan, customer, product), inventory_line(plan, product));
        }
        Ok((_, None)) => text += "\nNothing is in stock to order.\n",
        // The shop is open all the same: its database may know another administrator.
        Err(error) => text += &format!("\nThis admin's log-in does not work here: {error:#}\n"),
    }
    Ok(text)
}

/// Somebody to order for, and something in stock.
async fn ids_to_call_with(plan: &ServicesPlan) -> anyhow::Result<(CustomerId, Option<ProductId>)> {
    let client = administrator(plan)?;
    let customers = client.customers(None, None).await?.items;
    let customer = customers.iter().find(|customer| customer.role == Role::Customer);
    let customer = customer.or(customers.first()).context("the shop has no accounts")?;
    let products = client.products(None, None, None).await?.items;
    let product = products.iter().find(|product| product.inventory > 0);
    Ok((customer.id, product.map(|product| product.id)))
}

fn order_line(plan: &ServicesPlan, customer: CustomerId, product: ProductId) -> String {
    let url = plan.gateway_url();
    let log_in = json!({ "email": plan.admin.email, "password": plan.admin.password.expose_secret() });
    let order = json!({ "customerId": customer, "productId": product, "quantity": 1 });
    format!(
        "TOKEN=$(curl -s {url}/auth/login {JSON} -d {} | sed 's/.*\"accessToken\":\"\\([^\"]*\\)\".*/\\1/') && \
         curl -si {url}/orders -H \"authorization: Bearer $TOKEN\" {JSON} -d {}",
        quoted(&log_in),
        quoted(&order)
    )
}

fn inventory_line(plan: &ServicesPlan, product: ProductId) -> String {
    let url = plan.gateway_url();
    format!(
        "curl -si -X PUT {url}/products/{product}/inventory -H \"authorization: Bearer $TOKEN\" {JSON} -d {}",
        quoted(&json!({ "quantity": 100 }))
    )
}

fn quoted(body: &Value) -> String {
    shell_quoted(&body.to_string())
}

/// What scripts read from `shop.env`. No name but `OMS_URL` begins with `OMS_`: the services would take it for a
/// misspelt setting.
pub fn environment(plan: &ServicesPlan) -> Vec<(String, String)> {
    let mut variables = vec![
        ("OMS_URL".to_owned(), plan.gateway_url()),
        ("ADMIN_EMAIL".to_owned(), plan.admin.email.clone()),
        ("ADMIN_PASSWORD".to_owned(), plan.admin.password.expose_secret().to_owned()),
        ("MONGO_URI".to_owned(), plan.mongo_uri.expose_secret().to_owned()),
        ("REDIS_URI".to_owned(), plan.redis_uri.expose_secret().to_owned()),
    ];
    for service in Service::ALL {
        let name = service.name().to_uppercase().replace('-', "_");
        let ports = service.ports(&plan.ports);
        variables.push((format!("{name}_URL"), ports.public_url()));
        variables.push((format!("{name}_INTERNAL_URL"), ports.internal_url()));
    }
    variables
}
