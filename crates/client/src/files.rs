//! Files of products, stock, orders and customers: streamed both ways, so that their size does not matter.

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use bytes::Bytes;
use common::ids::CustomerId;
use common::models::bulk::{FileFormat, ImportReport, NamedBy};
use common::models::order::OrderStatus;
use common::models::order_import::StockUse;
use common::time::Timestamp;
use futures_util::{Stream, stream};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Body, Method, Response};
use serde::Serialize;
use std::time::Duration;

/// Longest that a file may be on its way.
const WHOLE: Duration = Duration::from_secs(1_800);

/// Longest that nothing may come of a file that is being read.
const SILENCE: Duration = Duration::from_secs(60);

/// How a file is to be read.
#[derive(Clone, Copy, Debug)]
pub struct ImportOptions {
    pub format: FileFormat,
    /// What tells whether a product is there already.
    pub by: NamedBy,
    /// Only answer what would be done.
    pub dry_run: bool,
}

/// Which orders are wanted as a file; all of them where nothing is said.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderExport {
    pub status: Option<OrderStatus>,
    pub customer_id: Option<CustomerId>,
    /// From this moment on.
    pub created_from: Option<Timestamp>,
    /// Before this moment.
    pub created_to: Option<Timestamp>,
}

/// A file on its way here.
pub struct Download {
    response: Response,
}

impl Download {
    /// The next piece; `None` after the last. Without that last answer the file is not whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match tokio::time::timeout(SILENCE, self.response.chunk()).await {
            Ok(piece) => Ok(piece?),
            Err(_) => Err(Error::Timeout),
        }
    }

    /// The pieces as a stream, which ends with the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Error>> {
        stream::try_unfold(self, async |mut download| {
            Ok(download.next().await?.map(|piece| (piece, download)))
        })
    }
}

impl Client {
    /// `POST /products/import`: rows that are new are created, others changed; a row that cannot go in does not stop
    /// the others. Not sent again after a failure; the same file again leaves what is in as it is.
    pub async fn import_products(
        &self,
        file: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
        options: ImportOptions,
    ) -> Result<ImportReport, Error> {
        upload(self.call(Method::POST, &["products", "import"]), file, options).await
    }

    /// `POST /stock/import`: sets what is available, place by place, and what stands beside it.
    pub async fn import_stock(
        &self,
        file: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
        options: ImportOptions,
    ) -> Result<ImportReport, Error> {
        upload(self.call(Method::POST, &["stock", "import"]), file, options).await
    }

    /// `POST /orders/import`: orders of another system, as NDJSON of [`ImportedOrder`].
    ///
    /// [`ImportedOrder`]: common::models::order_import::ImportedOrder
    pub async fn import_orders(
        &self,
        file: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
        stock: StockUse,
        dry_run: bool,
    ) -> Result<ImportReport, Error> {
        let call = self.call(Method::POST, &["orders", "import"]).query("stock", Some(stock.as_str()));
        send(call.query("dryRun", dry_run.then_some(true)), file, FileFormat::Ndjson).await
    }

    /// `GET /products/export`: every product as a row that can be imported.
    pub async fn export_products(&self, format: FileFormat) -> Result<Download, Error> {
        download(self.call(Method::GET, &["products", "export"]), format).await
    }

    /// `GET /stock/export`: what is available of every product at every place.
    pub async fn export_stock(&self, format: FileFormat) -> Result<Download, Error> {
        download(self.call(Method::GET, &["stock", "export"]), format).await
    }

    /// `GET /orders/export`, oldest first: as NDJSON the orders, as CSV a row for each line.
    pub async fn export_orders(&self, format: FileFormat, wanted: &OrderExport) -> Result<Download, Error> {
        download(self.call(Method::GET, &["orders", "export"]).parameters(wanted)?, format).await
    }

    /// `GET /customers/export`
    pub async fn export_customers(&self, format: FileFormat) -> Result<Download, Error> {
        download(self.call(Method::GET, &["customers", "export"]), format).await
    }
}

async fn upload(
    call: Call<'_>,
    file: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    options: ImportOptions,
) -> Result<ImportReport, Error> {
    let call = call.query("by", Some(options.by.as_str()));
    let call = call.query("dryRun", options.dry_run.then_some(true));
    send(call, file, options.format).await
}

async fn send(
    call: Call<'_>,
    file: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    format: FileFormat,
) -> Result<ImportReport, Error> {
    let call = call.header(CONTENT_TYPE, format.media_type());
    let response = call.stream(Some(Body::wrap_stream(file)), WHOLE).await?;
    Ok(serde_json::from_slice(&response.bytes().await?)?)
}

async fn download(call: Call<'_>, format: FileFormat) -> Result<Download, Error> {
    let response = call.query("format", Some(format.as_str())).stream(None, WHOLE).await?;
    Ok(Download { response })
}
