//! A working day at the terminal: the real `oms` against a running shop, as staff and as a customer.

use crate::shop::oms;
use crate::system::System;
use common::models::customer::NewCustomer;
use common::time::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

const PASSWORD: &str = "a customer's password";

/// Somebody's terminal, with a home of its own.
struct Terminal {
    home: TempDir,
    url: String,
}

impl Terminal {
    fn open(system: &System) -> Self {
        Self { home: tempfile::tempdir().unwrap(), url: system.url() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        println!("$ oms {}", arguments.join(" "));
        let mut command = oms();
        for name in ["OMS_URL", "OMS_TOKEN", "OMS_PROFILE"] {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", self.home.path()).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self.start(arguments);
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        print!("{}{}", text(&output.stdout), text(&output.stderr));
        output
    }

    /// What is written by a command that succeeds.
    fn does(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, "");
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.does(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// What is said by a command that is refused.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, "");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stdout));
        assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
        text(&output.stderr)
    }

    fn log_in(&self, email: &str, password: &str, profile: &str) -> Output {
        let arguments = ["login", email, "--url", &self.url, "--profile", profile];
        self.run(&arguments, &format!("{password}\n"))
    }

    fn profiles(&self) -> PathBuf {
        self.home.path().join("oms/profiles.json")
    }

    fn kept(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.profiles()).unwrap()).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Every one of these stands in the text.
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}

async fn open_shop() -> (System, Terminal) {
    let system = System::start().await;
    let customer = NewCustomer {
        email: "mara@shop.example".parse().unwrap(),
        password: Some(PASSWORD.parse().unwrap()),
        name: "Mara Lindqvist".parse().unwrap(),
    };
    system.admin().register_customer(&customer, None).await.unwrap();
    let terminal = Terminal::open(&system);
    let admin = &system.plan.admin;
    let output = terminal.log_in(&admin.email, admin.password.expose_secret(), "default");
    assert!(output.status.success());
    (system, terminal)
}

#[tokio::test]
async fn staff_fill_the_shelves_and_take_an_order_from_the_click_to_the_door() {
    let (_system, staff) = open_shop().await;
    let product = staff.does(&[
        "products",
        "create",
        "--sku",
        "ML-MUG-01",
        "--name",
        "Stoneware mug",
        "--price",
        "16.5",
        "--inventory",
        "3",
    ]);
    says(&product, &["ML-MUG-01", "16.50 EUR", "active"]);
    says(&staff.does(&["products", "set-price", "ML-MUG-01", "17.25"]), &["17.25 EUR"]);
    says(
        &staff.does(&["stock", "receive", "ML-MUG-01", "7", "--reason", "delivery note 12"]),
        &["on hand", "10"],
    );
    says(&staff.does(&["stock", "adjust", "ML-MUG-01", "-2", "--reason", "broken"]), &["available    8"]);
    assert_eq!(staff.json(&["stock", "set", "ML-MUG-01", "9"])["available"], 9);
    says(
        &staff.fails(&["stock", "adjust", "ML-MUG-01", "-20", "--reason", "x"]),
        &["409 below_reserved", "request "],
    );
    says(
        &staff.fails(&["products", "show", "ML-CUP-01"]),
        &["no product with the sku ML-CUP-01", "oms products list"],
    );
    says(&staff.does(&["customers", "list", "--email", "mara"]), &["NAME", "Mara Lindqvist"]);

    let place = ["orders", "place", "--customer", "mara@shop.example"];
    let order = staff.json(&[&place[..], &["ML-MUG-01=2", "--key", "k-1"]].concat());
    assert_eq!((&order["status"], &order["total"]), (&json!("confirmed"), &json!(34.5)));
    assert_eq!(staff.json(&[&place[..], &["ML-MUG-01=2", "--key", "k-1"]].concat())["id"], order["id"]);
    says(
        &staff.fails(&[&place[..], &["ML-MUG-01=50"]].concat()),
        &["409 out_of_stock", "ML-MUG-01: out of stock, 50 wanted and 7 available"],
    );
    let id = order["id"].as_str().unwrap();
    says(&staff.does(&["orders", "list", "--status", "confirmed"]), &["STATUS", id, "34.50 EUR"]);
    // What was rejected is an order too.
    assert_eq!(staff.json(&["orders", "list", "--customer", "mara@shop.example"])[1]["id"], id);
    let csv = staff.does(&["orders", "list", "--output", "csv"]);
    assert!(csv.starts_with("id,placed,status,fulfilment,units,total,currency,customer\n"), "{csv}");

    says(&staff.does(&["orders", "hold", id, "--note", "address unclear"]), &["on hold", "address unclear"]);
    says(
        &staff.fails(&["orders", "ship", id]),
        &["409 illegal_transition", "on hold", "release", "oms orders why"],
    );
    says(&staff.does(&["orders", "why", id]), &["ship", "no", "release", "yes"]);
    staff.does(&["orders", "release", id]);
    says(&staff.fails(&["orders", "ship", id, "--from", "nowhere"]), &["422", "/locationId"]);
    let shipped = staff.does(&[
        "orders",
        "ship",
        id,
        "--line",
        "ML-MUG-01=1",
        "--carrier",
        "DHL",
        "--tracking-number",
        "JD1",
    ]);
    says(&shipped, &["partially_fulfilled", "Parcels", "DHL", "JD1"]);
    staff.does(&["orders", "ship", id]);
    says(&staff.fails(&["orders", "deliver", id]), &["several parcels are under way", "--all"]);
    says(&staff.does(&["orders", "deliver", id, "--all"]), &["completed", "delivered"]);
    let history = staff.json(&["orders", "history", id]);
    let events: Vec<&str> =
        history.as_array().unwrap().iter().map(|change| change["event"].as_str().unwrap()).collect();
    let expected =
        ["placed", "confirmed", "held", "released", "shipped", "shipped", "delivered", "delivered"];
    assert_eq!(events, expected);
    says(&staff.does(&["stock", "movements", "ML-MUG-01"]), &["reservation", "delivery note 12", "broken"]);
    says(&staff.does(&["stock", "explain", "ML-MUG-01"]), &["adds up", "yes", "receipt"]);
    says(&staff.does(&["products", "archive", "ML-MUG-01"]), &["archived"]);
}

#[tokio::test]
async fn a_customer_orders_for_themselves_and_sees_nothing_of_others() {
    let (_system, terminal) = open_shop().await;
    let new = ["products", "create", "--sku", "TEA", "--name", "Tea", "--price", "9", "--inventory", "5"];
    terminal.does(&new);
    let others = terminal.json(&["orders", "place", "TEA"]);
    assert!(terminal.log_in("mara@shop.example", PASSWORD, "mara").status.success());
    fn own<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--profile", "mara"]].concat()
    }
    let order = terminal.json(&own(&["orders", "place", "TEA=3", "--note", "a gift"]));
    let id = order["id"].as_str().unwrap();
    let listed = terminal.json(&own(&["orders", "list"]));
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &order["id"]));
    says(
        &terminal.does(&own(&["orders", "cancel", id, "--line", "TEA=1", "--reason", "too many"])),
        &["CANCELLED"],
    );
    says(&terminal.fails(&own(&["orders", "cancel", id, "--line", "MUG=1"])), &["no line of MUG"]);
    says(&terminal.fails(&own(&["orders", "show", others["id"].as_str().unwrap()])), &["404 not_found"]);
    says(&terminal.fails(&own(&["orders", "ship", id])), &["403 forbidden", "oms login --profile"]);
    says(&terminal.does(&own(&["customers", "show", "me"])), &["Mara Lindqvist", "customer"]);
    says(&terminal.does(&["profiles"]), &["default", "mara", "mara@shop.example"]);
}

#[tokio::test]
async fn a_log_in_is_kept_for_its_owner_alone_renewed_and_ended() {
    let (system, terminal) = open_shop().await;
    assert_eq!(terminal.profiles().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    says(
        &terminal.fails(&["orders", "list", "--profile", "nobody"]),
        &["nobody is logged in", "oms login --profile nobody"],
    );
    let wrong = terminal.log_in("mara@shop.example", "not her password", "mara");
    assert_eq!(wrong.status.code(), Some(1));
    says(&text(&wrong.stderr), &["401"]);
    assert!(terminal.kept().get("mara").is_none());

    // Meant for another shop.
    says(&terminal.fails(&["orders", "list", "--url", "http://127.0.0.1:1"]), &["--profile"]);
    // As a script does it, with a token of its own.
    let token = terminal.kept()["default"]["accessToken"].as_str().unwrap().to_owned();
    terminal.does(&["orders", "list", "--url", &system.url(), "--token", &token]);
    let unreachable = terminal.fails(&["orders", "list", "--url", "http://127.0.0.1:1", "--token", &token]);
    says(&unreachable, &["does not answer", "oms doctor"]);

    // Ten minutes later, in two terminals at once.
    let mut kept = terminal.kept();
    kept["default"]["expiresAt"] = json!("2026-01-01T00:00:00.000Z");
    fs::write(terminal.profiles(), kept.to_string()).unwrap();
    let both = [(); 2].map(|()| terminal.start(&["orders", "list"]));
    for child in both {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let renewed = terminal.kept();
    assert_ne!(renewed["default"]["refreshToken"], kept["default"]["refreshToken"]);

    says(&terminal.does(&["logout"]), &["Logged out"]);
    assert_eq!(terminal.kept(), json!({}));
    let refresh = renewed["default"]["refreshToken"].as_str().unwrap();
    let ended = oms_client::Client::builder(&system.url()).build().unwrap().refresh(refresh).await;
    assert_eq!(ended.err().unwrap().status(), Some(401));
    says(&terminal.fails(&["logout"]), &["nobody is logged in"]);
}

#[tokio::test]
async fn changes_are_followed_live_and_shells_complete_the_commands() {
    let (_system, terminal) = open_shop().await;
    let new = ["products", "create", "--sku", "TEA", "--name", "Tea", "--price", "9", "--inventory", "5"];
    terminal.does(&new);
    let since = Timestamp::now().to_string();
    let mut tail = terminal.start(&["tail", "--since", &since, "--count", "2", "--json"]);
    let order = terminal.json(&["orders", "place", "TEA=2"]);
    // Several changes may be told at once, as the last of them.
    for part in ["hold", "release"].iter().cycle().take(100) {
        if tail.try_wait().unwrap().is_some() {
            break;
        }
        terminal.does(&["orders", part, order["id"].as_str().unwrap()]);
    }
    let output = tail.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let followed: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(followed.len(), 2);
    for seen in &followed {
        assert_eq!(seen["id"], order["id"]);
    }
    assert!(followed[0]["version"].as_i64() < followed[1]["version"].as_i64());
    for shell in ["bash", "fish", "zsh"] {
        says(&terminal.does(&["completions", shell]), &["orders", "history"]);
    }
}
