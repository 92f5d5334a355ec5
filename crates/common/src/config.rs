//! Settings: every one has a default in the service's embedded `default.toml` and a name in the environment; a name
//! that is nobody's stops the start.

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// What the four services call themselves in the environment.
const PREFIXES: [&str; 4] = ["OMS_CUSTOMER__", "OMS_GATEWAY__", "OMS_ORDER__", "OMS_PRODUCT__"];

/// Short names that every service understands where it has the setting.
const SHORT_NAMES: [(&str, &str); 10] = [
    ("ADMIN_EMAIL", "admin.email"),
    ("ADMIN_PASSWORD", "admin.password"),
    ("MONGO_URI", "mongo.uri"),
    ("OMS_ENVIRONMENT", "environment"),
    ("OMS_LOG", "log.filter"),
    ("OMS_LOG_FORMAT", "log.format"),
    ("OMS_SERVICE_TOKENS", "internal.tokens"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "traces.endpoint"),
    ("PORT", "http.public_port"),
    ("REDIS_URI", "redis.uri"),
];

/// Names of the `oms` command line that may stand in the same environment.
const FOREIGN_NAMES: [&str; 3] = ["OMS_PROFILE", "OMS_TOKEN", "OMS_URL"];

/// Whether defaults made for a developer's machine are acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    Development,
    Production,
}

/// Reads settings from the embedded defaults and the process's environment.
///
/// A variable is `OMS_<SERVICE>__<SECTION>__<KEY>`, for example `OMS_ORDER__MONGO__MAX_POOL_SIZE`, or one of the
/// short names such as `MONGO_URI`. `prefix` is this service's own, for example `OMS_ORDER__`.
pub fn load<Settings: DeserializeOwned>(
    prefix: &'static str,
    default_toml: &'static str,
) -> anyhow::Result<Settings> {
    load_from(prefix, default_toml, process_environment())
}

/// [`load`] from a given environment.
pub fn load_from<Settings: DeserializeOwned>(
    prefix: &'static str,
    default_toml: &'static str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> anyhow::Result<Settings> {
    let sources = Sources::find(prefix, default_toml, environment)?;
    sources.refuse_development_defaults()?;
    let mut builder =
        config::Config::builder().add_source(config::File::from_str(default_toml, config::FileFormat::Toml));
    for (key, Chosen { value, .. }) in &sources.chosen {
        let is_list = sources.defaults.get(key).is_some_and(toml::Value::is_array);
        builder = set(builder, key, value, is_list)?;
    }
    builder.build().and_then(config::Config::try_deserialize).context("settings")
}

/// Variables that are not Unicode cannot be ours.
fn process_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Every setting's default, and what the environment says instead.
pub(crate) struct Sources {
    pub(crate) defaults: BTreeMap<String, toml::Value>,
    pub(crate) chosen: BTreeMap<String, Chosen>,
    prefix: &'static str,
}

/// A value of the environment.
pub(crate) struct Chosen {
    /// The variable it stands in.
    pub(crate) variable: String,
    pub(crate) value: String,
}

impl Sources {
    pub(crate) fn of_process(prefix: &'static str, default_toml: &str) -> anyhow::Result<Self> {
        Self::find(prefix, default_toml, process_environment())
    }

    /// Refuses a variable that is nobody's.
    pub(crate) fn find(
        prefix: &'static str,
        default_toml: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        let table: toml::Table = default_toml.parse().context("the embedded default.toml")?;
        let mut defaults = BTreeMap::new();
        flatten(&table, "", &mut defaults);
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        let mut chosen = BTreeMap::new();
        // Short names first, so that a service's own long name wins.
        for (name, key) in SHORT_NAMES {
            if let Some(value) = environment.get(name).filter(|_| defaults.contains_key(key)) {
                chosen.insert(key.to_owned(), Chosen { variable: name.to_owned(), value: value.clone() });
            }
        }
        for (name, value) in environment {
            let Some(rest) = name.strip_prefix(prefix) else {
                refuse_misspelt(&name, prefix, &defaults)?;
                continue;
            };
            let key = rest.to_lowercase().replace("__", ".");
            if !defaults.contains_key(&key) {
                bail!(
                    "the environment variable {name} is not a setting{}",
                    suggestion(&name, prefix, &defaults)
                );
            }
            chosen.insert(key, Chosen { variable: name, value });
        }
        Ok(Self { defaults, chosen, prefix })
    }

    /// In production nothing may stay that is made for a developer's machine: addresses of the machine itself and
    /// secrets that everybody knows.
    fn refuse_development_defaults(&self) -> anyhow::Result<()> {
        if self.chosen.get("environment").is_none_or(|chosen| chosen.value != "production") {
            return Ok(());
        }
        let for_developers = |value: &toml::Value| {
            let text = shown(value);
            text.contains("127.0.0.1") || text.contains("development-")
        };
        let left = self
            .defaults
            .iter()
            .filter(|(key, default)| !self.chosen.contains_key(key.as_str()) && for_developers(default));
        let names: Vec<String> = left.map(|(key, _)| self.variable(key)).collect();
        anyhow::ensure!(
            names.is_empty(),
            "in production these settings need values of your own: {}",
            names.join(", ")
        );
        Ok(())
    }

    /// The shortest name of a setting in the environment.
    fn variable(&self, key: &str) -> String {
        let short = SHORT_NAMES.iter().find(|(_, named)| *named == key).map(|(short, _)| (*short).to_owned());
        short.unwrap_or_else(|| long_name(self.prefix, key))
    }
}

/// A default as it would be written in the environment.
pub(crate) fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(is) => is.to_string(),
        toml::Value::Datetime(at) => at.to_string(),
        toml::Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(","),
        // Sections are no settings.
        toml::Value::Table(_) => String::new(),
    }
}

fn long_name(prefix: &str, key: &str) -> String {
    format!("{prefix}{}", key.replace('.', "__").to_uppercase())
}

type Builder = config::ConfigBuilder<config::builder::DefaultState>;

fn set(builder: Builder, key: &str, value: &str, is_list: bool) -> anyhow::Result<Builder> {
    let set = if is_list {
        let items: Vec<String> =
            value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
        builder.set_override(key, items)
    } else {
        builder.set_override(key, value)
    };
    set.with_context(|| format!("setting {key}"))
}

/// Every key of the table as a dotted path.
fn flatten(table: &toml::Table, path: &str, keys: &mut BTreeMap<String, toml::Value>) {
    for (name, value) in table {
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            toml::Value::Table(inner) => flatten(inner, &key, keys),
            other => {
                keys.insert(key, other.clone());
            }
        }
    }
}

/// A name that looks like one of ours and is not: `OMS_` with an unknown rest, or a short name with a slip.
fn refuse_misspelt(name: &str, prefix: &str, keys: &BTreeMap<String, toml::Value>) -> anyhow::Result<()> {
    let known = SHORT_NAMES.iter().any(|(short, _)| *short == name)
        || FOREIGN_NAMES.contains(&name)
        || crate::fault::NAMES.contains(&name)
        || PREFIXES.iter().any(|foreign| name.starts_with(foreign));
    if known {
        return Ok(());
    }
    let slip =
        SHORT_NAMES.iter().any(|(short, _)| short.len() >= 8 && strsim::osa_distance(short, name) == 1);
    if slip || name.starts_with("OMS_") {
        bail!("the environment variable {name} is not a setting{}", suggestion(name, prefix, keys));
    }
    Ok(())
}

fn suggestion(name: &str, prefix: &str, keys: &BTreeMap<String, toml::Value>) -> String {
    let long = keys.keys().map(|key| long_name(prefix, key));
    let short = SHORT_NAMES.iter().map(|(short, _)| (*short).to_owned());
    let nearest = long.chain(short).min_by_key(|candidate| strsim::osa_distance(candidate, name));
    nearest.map_or_else(String::new, |candidate| format!("; did you mean {candidate}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str =
        "environment = \"development\"\n[mongo]\nuri = \"a\"\npool = 8\n[internal]\ntokens = [\"x\"]\n";

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        environment: Environment,
        mongo: Mongo,
        internal: Internal,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Mongo {
        uri: String,
        pool: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Internal {
        tokens: Vec<String>,
    }

    fn load(variables: &[(&str, &str)]) -> anyhow::Result<Settings> {
        load_from(
            "OMS_ORDER__",
            DEFAULTS,
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())),
        )
    }

    #[test]
    fn the_environment_wins_over_the_defaults_and_long_names_over_short_ones() {
        let settings = load(&[]).unwrap();
        assert_eq!((settings.environment, settings.mongo.pool), (Environment::Development, 8));
        let settings =
            load(&[("MONGO_URI", "b"), ("OMS_ORDER__MONGO__POOL", "9"), ("OMS_SERVICE_TOKENS", "y, z")])
                .unwrap();
        assert_eq!((settings.mongo.uri.as_str(), settings.mongo.pool), ("b", 9));
        assert_eq!(settings.internal.tokens, ["y", "z"]);
        assert_eq!(load(&[("MONGO_URI", "b"), ("OMS_ORDER__MONGO__URI", "c")]).unwrap().mongo.uri, "c");
    }

    #[test]
    fn a_misspelt_variable_is_named_with_the_one_that_was_meant() {
        for (name, meant) in [
            ("OMS_ORDER__MONGO__POLL", "OMS_ORDER__MONGO__POOL"),
            ("OMS_ODER__MONGO__POOL", "OMS_ORDER__MONGO__POOL"),
            ("MONGO_URL", "MONGO_URI"),
            ("REDIS_URL", "REDIS_URI"),
        ] {
            let error = load(&[(name, "1")]).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(meant), "{error}");
        }
        assert!(
            load(&[("OMS_GATEWAY__HTTP__PORT", "1"), ("REDIS_PORT", "tcp://10.0.0.1:6379"), ("HOME", "/")])
                .is_ok()
        );
    }

    #[test]
    fn production_refuses_what_is_made_for_a_developers_machine_and_names_all_of_it() {
        const LOCAL: &str = "environment = \"development\"\n[mongo]\nuri = \"mongodb://127.0.0.1\"\npool = 8\n[internal]\ntokens = [\"development-token\"]\n";
        let load = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            load_from::<Settings>("OMS_ORDER__", LOCAL, variables)
        };
        assert!(load(&[]).is_ok());
        let refusal = load(&[("OMS_ENVIRONMENT", "production")]).unwrap_err().to_string();
        assert!(refusal.ends_with("OMS_SERVICE_TOKENS, MONGO_URI"), "{refusal}");
        let own = [("OMS_ENVIRONMENT", "production"), ("MONGO_URI", "b"), ("OMS_SERVICE_TOKENS", "y")];
        assert!(load(&own).is_ok());
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_with_its_key() {
        let error = format!("{:#}", load(&[("OMS_ORDER__MONGO__POOL", "many")]).unwrap_err());
        assert!(error.contains("mongo.pool"), "{error}");
    }
}
