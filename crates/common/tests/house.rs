//! The rules of the house: which room may know of what.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const DOMAIN_SERVICES: [&str; 3] = ["customer-service", "order-service", "product-service"];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every source file of a crate, by its path below `src`, with its lines of code up to the unit tests.
fn sources(name: &str) -> Vec<(String, Vec<String>)> {
    let root = crates().join(name).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.lines().take_while(|line| *line != "#[cfg(test)]");
                let lines =
                    code.filter(|line| !line.trim_start().starts_with("//")).map(str::to_owned).collect();
                found.push((path.strip_prefix(&root).unwrap().to_string_lossy().into_owned(), lines));
            }
        }
    }
    assert!(!found.is_empty(), "{name} has no sources");
    found
}

/// Places where `word` stands in a file that none of the allowed rooms holds.
fn strangers(name: &str, word: &str, allowed: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    for (file, lines) in sources(name) {
        let is_allowed = allowed.iter().any(|room| file.starts_with(room));
        for line in lines.iter().filter(|line| !is_allowed && line.contains(word)) {
            places.push(format!("{name}/src/{file}: {}", line.trim()));
        }
    }
    places
}

#[test]
fn libraries_stay_in_their_rooms() {
    let mut places = Vec::new();
    for service in DOMAIN_SERVICES {
        places.extend(strangers(service, "actix_web", &["routes/", "startup.rs"]));
        places.extend(strangers(service, "mongodb::", &["store/"]));
        places.extend(strangers(service, "deadpool_redis", &["store/"]));
        places.extend(strangers(service, "reqwest", &["clients/"]));
        places.extend(strangers(service, "StatusCode", &["routes/"]));
        places.extend(strangers(service, "std::env", &["config.rs"]));
    }
    places.extend(strangers("gateway", "mongodb", &[]));
    assert!(places.is_empty(), "{places:#?}");
}

#[test]
fn rooms_know_only_the_rooms_below_them() {
    let mut places = Vec::new();
    for service in DOMAIN_SERVICES {
        for (room, unknown) in [
            ("domain/", &["routes", "workflows", "store", "clients", "startup", "config"][..]),
            ("store/", &["routes", "workflows", "clients", "startup"]),
            ("clients/", &["routes", "workflows", "store", "startup"]),
            ("workflows/", &["routes"]),
        ] {
            for (file, lines) in sources(service).into_iter().filter(|(file, _)| file.starts_with(room)) {
                for other in unknown {
                    let word = format!("crate::{other}");
                    let known = lines.iter().filter(|line| line.contains(&word));
                    places.extend(known.map(|line| format!("{service}/src/{file}: {}", line.trim())));
                }
            }
        }
    }
    assert!(places.is_empty(), "{places:#?}");
}

#[test]
fn the_domain_is_pure() {
    let mut places = Vec::new();
    for (service, word) in DOMAIN_SERVICES.into_iter().flat_map(|service| {
        ["async ", ".await", "Timestamp::now", "SystemTime", "Instant::now", "::new_v4", "getrandom", "tokio"]
            .map(|word| (service, word))
    }) {
        let impure = sources(service).into_iter().filter(|(file, _)| file.starts_with("domain/"));
        for (file, lines) in impure {
            let found = lines.iter().filter(|line| line.contains(word));
            places.extend(found.map(|line| format!("{service}/src/{file}: {}", line.trim())));
        }
    }
    assert!(places.is_empty(), "{places:#?}");
}

#[test]
fn no_service_depends_on_another() {
    let members: BTreeSet<&str> =
        ["gateway", "customer-service", "order-service", "product-service", "oms-client", "oms-cli"].into();
    for service in DOMAIN_SERVICES.into_iter().chain(["gateway", "common"]) {
        let manifest = std::fs::read_to_string(crates().join(service).join("Cargo.toml")).unwrap();
        for line in manifest.lines() {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            assert!(!members.contains(name), "{service} depends on {name}");
        }
    }
}

#[test]
fn a_main_is_short_and_every_file_says_what_it_is_for() {
    for name in ["common", "client", "cli", "gateway", "customer-service", "order-service", "product-service"]
    {
        let source = crates().join(name).join("src");
        for (file, _) in sources(name) {
            let text = std::fs::read_to_string(source.join(&file)).unwrap();
            assert!(text.starts_with("//! "), "{name}/src/{file} does not say what it is for");
            assert!(
                file != "main.rs" || text.lines().count() <= 25,
                "{name}/src/{file} is longer than 25 lines"
            );
        }
    }
}
