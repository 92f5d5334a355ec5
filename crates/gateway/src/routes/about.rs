//! What the API description says of the gateway's own paths.

use common::api::about::About;
use common::api::document::{Operation, Part};
use common::models::health::ShopHealth;

/// The gateway's part of the description.
pub fn described() -> Part {
    let operation = |path: &str, handler, about| Operation {
        method: "GET",
        path: path.to_owned(),
        handler,
        input: |_| {},
        about,
    };
    Part::of([
        operation("/healthz", "read_health", read_health),
        operation("/openapi.json", "read_description", read_description),
        operation("/docs", "open_explorer", open_explorer),
        operation("/docs/explorer.js", "load_explorer_script", load_explorer_script),
        operation("/docs/explorer.css", "load_explorer_style", load_explorer_style),
    ])
}

fn read_health() -> About {
    About::new("Ask whether the shop is open")
        .text("It is where every service is ready.")
        .tells::<ShopHealth>()
        .or_answers(503, "It is closed, or too much is asked.")
}

fn read_description() -> About {
    About::new("Read this description").text("OpenAPI 3.1.").tells_object().cached()
}

fn open_explorer() -> About {
    About::new("Open the explorer of this API").sends_file(&["text/html"]).cached()
}

fn load_explorer_script() -> About {
    About::new("Load the explorer's script").sends_file(&["text/javascript"]).cached()
}

fn load_explorer_style() -> About {
    About::new("Load the explorer's looks").sends_file(&["text/css"]).cached()
}
