//! `oms shop run`: what it starts, what it says, what it leaves behind.

use crate::shop::{TestShop, eventually, programs};
use common::models::auth::Role;
use common::models::order::OrderStatus;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use oms_cli::shop::process::Identity;
use oms_cli::shop::services::Service;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

fn send(identity: &Identity, signal: Signal) {
    kill(Pid::from_raw(identity.pid), signal).unwrap();
}

fn assert_gone(identities: &[Identity]) {
    let left: Vec<_> = identities.iter().filter(|identity| identity.is_alive()).collect();
    assert!(left.is_empty(), "still running: {left:?}");
}

#[tokio::test]
async fn a_shop_opens_filled_and_its_orders_survive_a_restart_on_other_ports() {
    let shop = TestShop::new();
    let said = shop.succeed(&["--detach"]);
    assert!(said.contains("The shop is ready") && said.contains("curl"), "{said}");
    let admin = shop.admin();
    let product = admin.products(None, None, None).await.unwrap().items.pop().unwrap();
    let customers = admin.customers(None, None).await.unwrap().items;
    let customer = customers.iter().find(|customer| customer.role == Role::Customer).unwrap();
    let order = admin.create_order(customer.id, product.id, 1).await.unwrap();
    assert_eq!(order.status, OrderStatus::Confirmed);

    let first = shop.identities();
    let mongo_uri = shop.variables()["MONGO_URI"].clone();
    assert_eq!(first.len(), 7);
    shop.succeed(&["--stop"]);
    assert_gone(&first);
    assert!(shop.running().is_none() && !shop.directory.root().join("shop.env").exists());

    // Somebody takes mongod's port meanwhile: the replica set has to move.
    let address = mongo_uri.strip_prefix("mongodb://").unwrap().split('/').next().unwrap();
    let _taken = TcpListener::bind(address).unwrap();
    let said = shop.succeed(&["--detach"]);
    assert!(!said.contains("The shop was empty"), "{said}");
    assert_ne!(shop.variables()["MONGO_URI"], mongo_uri);
    assert_eq!(shop.admin().order(order.id).await.unwrap().id, order.id);
    shop.succeed(&["--stop"]);
    assert!(shop.succeed(&["--stop"]).contains("No shop runs"));
}

#[tokio::test]
async fn the_printed_lines_work_when_pasted() {
    let shop = TestShop::new();
    let said = shop.succeed(&["--detach"]);
    let lines: Vec<_> = said.lines().filter(|line| line.contains("curl ")).collect();
    assert_eq!(lines.len(), 3, "{said}");
    let pasted = Command::new("bash").args(["-c", &lines.join("\n")]).output().unwrap();
    let answers = String::from_utf8_lossy(&pasted.stdout).into_owned();
    assert!(answers.contains("HTTP/1.1 201 Created") && answers.contains("HTTP/1.1 200 OK"), "{answers}");
    assert!(
        answers.contains(r#""status":"confirmed""#) && answers.contains(r#""inventory":100"#),
        "{answers}"
    );
}

#[test]
fn a_second_start_and_a_reset_are_refused_while_a_shop_runs() {
    let shop = TestShop::new();
    // What a running shop holds.
    let lock = shop.directory.lock().unwrap();
    for options in [&[] as &[&str], &["--detach"], &["--reset"]] {
        let said = shop.fail(options);
        assert!(said.contains("a shop already runs in"), "{said}");
    }
    drop(lock);
}

#[test]
fn a_taken_port_is_named_and_nothing_is_started() {
    let shop = TestShop::new();
    let _taken = TcpListener::bind(("127.0.0.1", shop.port)).unwrap();
    let said = shop.fail(&[]);
    assert!(said.contains(&format!("port {} is taken", shop.port)), "{said}");
    assert!(shop.running().is_none());
    let said = shop.fail(&["--detach"]);
    assert!(said.contains(&format!("port {} is taken", shop.port)), "{said}");
}

/// The real programs, and a script in the place of one.
fn programs_with(directory: &Path, replaced: Service, script: &str) {
    for service in Service::ALL {
        let place = directory.join(service.name());
        if service == replaced {
            fs::write(&place, script).unwrap();
            fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        } else {
            symlink(programs().join(service.name()), &place).unwrap();
        }
    }
}

#[test]
fn a_service_that_cannot_start_is_shown_with_the_end_of_its_log_and_everything_is_stopped() {
    let programs = tempfile::tempdir().unwrap();
    let record = programs.path().join("running.json");
    // It keeps the list of its neighbours for the test.
    let script =
        format!("#!/bin/sh\ncp ../shop.json '{}'\necho 'the sky is falling' >&2\nexit 3\n", record.display());
    programs_with(programs.path(), Service::Gateway, &script);
    let shop = TestShop::with_programs(programs.path().to_owned());
    let said = shop.fail(&[]);
    assert!(said.contains("gateway ended (exit status: 3)") && said.contains("the sky is falling"), "{said}");
    let running: oms_cli::shop::directory::Running =
        serde_json::from_slice(&fs::read(record).unwrap()).unwrap();
    assert!(running.children.len() >= 5);
    let children: Vec<_> = running.children.into_iter().map(|child| child.identity).collect();
    assert_gone(&children);
    assert!(shop.running().is_none());
}

#[test]
fn a_missing_program_is_named_before_the_services_start() {
    let programs = tempfile::tempdir().unwrap();
    let shop = TestShop::with_programs(programs.path().to_owned());
    let said = shop.fail(&[]);
    assert!(said.contains("customer-service is not built"), "{said}");
}

#[tokio::test]
async fn ctrl_c_stops_the_shop_and_leaves_no_process() {
    let shop = TestShop::new();
    let mut foreground = shop.command(&[]).stdout(Stdio::null()).spawn().unwrap();
    eventually("an open shop", async || shop.running().filter(|running| running.is_ready)).await;
    let identities = shop.identities();
    send(identities.last().unwrap(), Signal::SIGINT);
    assert!(foreground.wait().unwrap().success());
    assert_gone(&identities);
}

#[tokio::test]
async fn what_a_killed_supervisor_left_behind_is_stopped_by_the_next_start() {
    let shop = TestShop::new();
    shop.succeed(&["--detach"]);
    let first = shop.identities();
    let product = shop.admin().products(None, Some(1), None).await.unwrap().items.remove(0);
    let (supervisor, children) = first.split_last().unwrap();
    send(supervisor, Signal::SIGKILL);
    eventually("the supervisor's end", async || (!supervisor.is_alive()).then_some(())).await;
    assert!(children.iter().all(Identity::is_alive));
    let said = shop.succeed(&["--detach"]);
    assert!(said.contains("left behind: gateway, order-service"), "{said}");
    assert_gone(&first);
    assert_eq!(shop.admin().product(product.id).await.unwrap().id, product.id);

    send(&shop.running().unwrap().supervisor, Signal::SIGKILL);
    let second = shop.identities();
    eventually("a free folder", async || shop.directory.try_lock().unwrap().map(drop)).await;
    shop.succeed(&["--stop"]);
    assert_gone(&second);
}

#[tokio::test]
async fn a_process_that_dies_is_started_again_until_it_keeps_dying() {
    let shop = TestShop::new();
    shop.succeed(&["--detach"]);
    let identities = shop.identities();
    for name in ["mongod", "redis-server", "product-service"] {
        let before = shop.identity(name).unwrap();
        send(&before, Signal::SIGKILL);
        let is_another = |now: &Identity| *now != before && now.is_alive();
        eventually("another process", async || shop.identity(name).filter(is_another)).await;
    }
    let admin = shop.admin();
    eventually("an open shop", async || admin.products(None, None, None).await.ok()).await;

    let supervisor = identities.last().unwrap();
    eventually("the shop's end", async || {
        let current = shop.identity("order-service").filter(Identity::is_alive);
        // It may have ended between the look and the signal.
        let _sent = current.map(|current| kill(Pid::from_raw(current.pid), Signal::SIGKILL));
        (!supervisor.is_alive()).then_some(())
    })
    .await;
    let said = fs::read_to_string(shop.directory.shop_log()).unwrap();
    assert!(said.contains("order-service ended 5 times within 60 s; the shop closes."), "{said}");
    assert!(said.ends_with("Stopped.\n"), "{said}");
    assert!(shop.running().is_none());
    assert_gone(&identities);
}

#[tokio::test]
async fn a_reset_deletes_what_the_shop_holds_and_only_what_is_its_own() {
    let shop = TestShop::new();
    let said = shop.succeed(&["--detach"]);
    assert!(said.contains("The shop was empty"), "{said}");
    shop.succeed(&["--stop"]);
    let said = shop.succeed(&["--detach", "--reset"]);
    assert!(said.contains("deleted") && said.contains("The shop was empty"), "{said}");
    shop.succeed(&["--stop"]);
    let refused = shop.command(&["--reset"]).env("MONGO_URI", "mongodb://127.0.0.1:1/").output().unwrap();
    assert!(!refused.status.success());
    assert!(shop.directory.data().join("mongod/WiredTiger").exists());
}

#[test]
fn databases_that_do_not_answer_are_a_sentence_and_not_a_hang() {
    let shop = TestShop::new();
    let command = &mut shop.command(&[]);
    command.env("MONGO_URI", "mongodb://127.0.0.1:1/?replicaSet=rs0").env("REDIS_URI", "redis://127.0.0.1:1");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && said.contains("MONGO_URI"), "{said}");
}
