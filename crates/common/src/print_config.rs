//! `--print-config`: every setting, its value and where it came from, without the secrets.

use crate::config::{Sources, shown};
use std::fmt::Write as _;

/// Parts of names whose values are nobody's to see.
const SECRET: [&str; 5] = ["email", "password", "pem", "secret", "tokens"];

/// What stands for a secret.
const MASK: &str = "***";

/// Whether the program was started with this question instead of as a service.
pub fn is_wanted() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == "--print-config")
}

/// Every setting of this process on a line of its own, as it would stand in a TOML file.
pub fn render(prefix: &'static str, default_toml: &str) -> anyhow::Result<String> {
    Ok(lines(&Sources::of_process(prefix, default_toml)?))
}

fn lines(sources: &Sources) -> String {
    let mut text = String::new();
    for (key, default) in &sources.defaults {
        let (value, source) = match sources.chosen.get(key) {
            Some(chosen) => (chosen.value.clone(), chosen.variable.as_str()),
            None => (shown(default), "default"),
        };
        // Writing into a text cannot fail.
        _ = writeln!(text, "{key} = {:?}  # {source}", mask(key, &value));
    }
    text
}

/// A value without what is secret in it: all of it, or the password of an address.
fn mask(key: &str, value: &str) -> String {
    let name = key.rsplit('.').next().unwrap_or_default();
    // What begins a section named for access tokens is about them; the tokens themselves stand under their own name.
    let is_secret = name.split('_').any(|part| SECRET.contains(&part)) && !name.ends_with("_s");
    if value.is_empty() {
        String::new()
    } else if is_secret {
        MASK.to_owned()
    } else {
        mask_address(value)
    }
}

/// Whoever and whatever stands before the `@` of an address, and its options that are secrets.
fn mask_address(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    // The last one, wherever it is: a password may hold anything that nobody escaped, and hiding too much is no harm.
    let rest = match rest.rsplit_once('@') {
        Some((_, host)) => format!("{MASK}@{host}"),
        None => rest.to_owned(),
    };
    let Some((address, options)) = rest.split_once('?') else { return format!("{scheme}://{rest}") };
    let options = options.split('&').map(|option| match option.split_once('=') {
        Some((name, _)) if SECRET.iter().any(|secret| name.to_lowercase().contains(secret)) => {
            format!("{name}={MASK}")
        }
        _ => option.to_owned(),
    });
    format!("{scheme}://{address}?{}", options.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str = "[http]\nport = 1\n[internal]\ntokens = [\"a\", \"b\"]\n[mongo]\nuri = \"mongodb://h\"\n[admin]\npassword = \"\"\n[sessions]\naccess_token_s = 600\n";

    #[test]
    fn every_setting_stands_with_its_source_and_no_secret_with_its_value() {
        let environment = [
            ("OMS_ORDER__HTTP__PORT", "2"),
            ("ADMIN_PASSWORD", "hidden-1"),
            (
                "MONGO_URI",
                "mongodb://user:hid@den-2@h1,h2/db?replicaSet=rs0&tlsCertificateKeyFilePassword=hidden-3",
            ),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let sources = Sources::find("OMS_ORDER__", DEFAULTS, environment).unwrap();
        let expected = "admin.password = \"***\"  # ADMIN_PASSWORD\n\
                        http.port = \"2\"  # OMS_ORDER__HTTP__PORT\n\
                        internal.tokens = \"***\"  # default\n\
                        mongo.uri = \"mongodb://***@h1,h2/db?replicaSet=rs0&tlsCertificateKeyFilePassword=***\"  # MONGO_URI\n\
                        sessions.access_token_s = \"600\"  # default\n";
        assert_eq!(lines(&sources), expected);
    }

    #[test]
    fn addresses_keep_what_is_no_secret() {
        for (value, expected) in [
            ("redis://:secret@cache:6379/1", "redis://***@cache:6379/1"),
            ("smtps://user:p%40ss@mail.example.org", "smtps://***@mail.example.org"),
            ("mongodb://127.0.0.1:27017/?replicaSet=rs0", "mongodb://127.0.0.1:27017/?replicaSet=rs0"),
            ("mongodb://u:a/b?c@h/?x=1", "mongodb://***@h/?x=1"),
            ("Shop <no-reply@example.org>", "Shop <no-reply@example.org>"),
        ] {
            assert_eq!(mask_address(value), expected);
        }
    }
}
