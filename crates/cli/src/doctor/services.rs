//! The four services: reachable and ready, of one version, with clocks and secrets that agree.

use super::DoctorArguments;
use super::database::judge_clock;
use super::diagnosis::Diagnosis;
use common::auth::signing::SigningKey;
use common::http::peer::{self, SERVICE_TOKEN};
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::DATE;
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(3);

/// What every `default.toml` has, and so no secret.
const DEVELOPMENT_TOKEN: &str = "development-service-token";

/// Looks at the gateway and the internal listeners of the services.
pub async fn examine(arguments: &DoctorArguments, diagnosis: &mut Diagnosis) -> anyhow::Result<()> {
    let client = peer::client()?;
    let token = arguments.service_tokens.as_ref().and_then(first_token);
    judge_token(token.as_ref(), diagnosis);
    let mut versions = BTreeMap::new();
    for (service, url) in [
        ("order-service", &arguments.order_url),
        ("customer-service", &arguments.customer_url),
        ("product-service", &arguments.product_url),
    ] {
        let url = url.trim_end_matches('/');
        if !is_reached(&client, service, url, diagnosis).await {
            continue;
        }
        if let Some(token) = &token {
            examine_token(&client, service, url, token, diagnosis).await;
        }
        if let Some(version) = version(&client, url).await {
            versions.insert(service, version);
        }
    }
    judge_versions(&versions, diagnosis);
    examine_gateway(&client, arguments, diagnosis).await;
    Ok(())
}

fn first_token(tokens: &SecretString) -> Option<SecretString> {
    let first = tokens.expose_secret().split(',').map(str::trim).find(|token| !token.is_empty())?;
    Some(first.to_owned().into())
}

fn judge_token(token: Option<&SecretString>, diagnosis: &mut Diagnosis) {
    match token.map(|token| token.expose_secret()) {
        None => diagnosis.warning(
            "service token",
            "not looked at",
            "Set OMS_SERVICE_TOKENS to what the services have, to see whether they take each other's calls.",
        ),
        Some(DEVELOPMENT_TOKEN) => diagnosis.warning(
            "service token",
            "it is the one of the defaults, which everybody knows",
            "Set OMS_SERVICE_TOKENS of every service to a secret of your own, and OMS_ENVIRONMENT=production.",
        ),
        Some(_) => {}
    }
}

/// Whether a service answers at all; says whether it is ready and how its clock stands.
async fn is_reached(client: &Client, service: &str, url: &str, diagnosis: &mut Diagnosis) -> bool {
    let answer = match client.get(format!("{url}/health/ready")).timeout(PATIENCE).send().await {
        Ok(answer) => answer,
        Err(_) => {
            diagnosis.wrong(
                service,
                format!("nothing answers at {url}"),
                "Start it; the last line of its log says why it does not. If it runs: is this its internal listener, \
                 and may it be reached from here (firewall, NetworkPolicy, http.host)?",
            );
            return false;
        }
    };
    let skew = skew_ms(&answer);
    match answer.status() {
        StatusCode::OK => diagnosis.good(service, "is ready"),
        status => {
            let said = answer.text().await.unwrap_or_default();
            diagnosis.wrong(
                service,
                format!("it is not ready: {} {}", status.as_u16(), said.trim()),
                "If its database does not answer, look at what is said of MongoDB above, as seen from that machine.",
            );
        }
    }
    if let Some(ahead_ms) = skew {
        judge_clock(&format!("the clock of {service}"), ahead_ms, diagnosis);
    }
    true
}

/// How far the answer's `Date` is ahead of us.
fn skew_ms(answer: &Response) -> Option<i64> {
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    let said = DateTimeParser::new().parse_timestamp(date).ok()?;
    Some(said.as_millisecond() - jiff::Timestamp::now().as_millisecond())
}

/// The internal listener refuses a wrong token before it looks at the path, so a path that nobody has tells.
async fn examine_token(
    client: &Client,
    service: &str,
    url: &str,
    token: &SecretString,
    diagnosis: &mut Diagnosis,
) {
    let call = client.get(format!("{url}/internal/is-the-token-right")).timeout(PATIENCE);
    match call.header(SERVICE_TOKEN, token.expose_secret()).send().await {
        Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED => diagnosis.wrong(
            service,
            "it does not take the service token",
            "OMS_SERVICE_TOKENS must name the same secret first everywhere. To change it, first give all of them \
             \"OLD,NEW\", then \"NEW,OLD\", then \"NEW\".",
        ),
        Ok(_) => diagnosis.good(service, "takes the service token"),
        Err(_) => diagnosis.warning(service, "it stopped answering", "Look again in a minute."),
    }
}

/// What a service says of its own version, where it does.
async fn version(client: &Client, url: &str) -> Option<String> {
    let answer = client.get(format!("{url}/metrics")).timeout(PATIENCE).send().await.ok()?;
    let text = answer.error_for_status().ok()?.text().await.ok()?;
    let line = text.lines().find(|line| line.starts_with("oms_build_info{"))?;
    let label = |name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=\""))?;
        rest.split('"').next().filter(|value| !value.is_empty())
    };
    Some([label("version"), label("revision")].into_iter().flatten().collect::<Vec<_>>().join(" "))
}

fn judge_versions(versions: &BTreeMap<&str, String>, diagnosis: &mut Diagnosis) {
    let different: BTreeSet<&String> = versions.values().collect();
    let list =
        || versions.iter().map(|(service, version)| format!("{service} {version}")).collect::<Vec<_>>();
    match different.len() {
        0 => {}
        1 => diagnosis.good("versions", list().join(", ")),
        _ => diagnosis.warning(
            "versions",
            format!("they differ: {}", list().join(", ")),
            "During a rolling update that is as it should be. Afterwards finish it, or undo it, for all four.",
        ),
    }
}

async fn examine_gateway(client: &Client, arguments: &DoctorArguments, diagnosis: &mut Diagnosis) {
    let url = arguments.url.trim_end_matches('/');
    match client.get(format!("{url}/healthz")).timeout(PATIENCE).send().await {
        Ok(answer) if answer.status().is_success() => diagnosis.good("gateway", "says that the shop is open"),
        Ok(answer) => {
            let found =
                format!("it says {}: {}", answer.status().as_u16(), answer.text().await.unwrap_or_default());
            diagnosis.wrong(
                "gateway",
                found,
                "Unready services are told of above. One that is unreachable from the gateway and not from here: look \
                 at OMS_GATEWAY__UPSTREAMS__* and at what lies between them.",
            );
        }
        Err(_) => {
            diagnosis.wrong(
                "gateway",
                format!("nothing answers at {url}"),
                "Start it; or set OMS_URL to where it listens (PORT, by default 3000).",
            );
            return;
        }
    }
    let published = match client.get(format!("{url}/.well-known/jwks.json")).timeout(PATIENCE).send().await {
        Ok(answer) if answer.status().is_success() => answer.json::<Value>().await.ok().as_ref().map(key_ids),
        _ => None,
    };
    judge_keys(published, arguments, diagnosis);
}

fn key_ids(published: &Value) -> BTreeSet<String> {
    let keys = published.get("keys").and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(|key| Some(key.get("kid")?.as_str()?.to_owned())).collect()
}

fn judge_keys(published: Option<BTreeSet<String>>, arguments: &DoctorArguments, diagnosis: &mut Diagnosis) {
    const SUBJECT: &str = "signing keys";
    let Some(published) = published.filter(|keys| !keys.is_empty()) else {
        return diagnosis.wrong(
            SUBJECT,
            "none is published at /.well-known/jwks.json, so no token can be verified",
            "Look at customer-service: it publishes them, from OMS_CUSTOMER__KEYS__SIGNING_KEY_FILE.",
        );
    };
    let Some(file) = &arguments.signing_key_file else {
        return diagnosis.good(SUBJECT, format!("{} published", published.len()));
    };
    let name = file.display();
    let held = std::fs::read_to_string(file).map_err(anyhow::Error::from);
    match held.and_then(|pem| SigningKey::all_from_pem(&pem)) {
        Err(cause) => diagnosis.wrong(
            SUBJECT,
            format!("{name} cannot be used: {cause:#}"),
            "`oms keys generate FILE` makes one; customer-service's user must be able to read it.",
        ),
        Ok(keys) => match keys.iter().find(|key| !published.contains(key.kid())) {
            None => diagnosis.good(SUBJECT, format!("{} in {name}, all published", keys.len())),
            Some(key) => diagnosis.wrong(
                SUBJECT,
                format!("{} of {name} is not published", key.kid()),
                "customer-service reads another file, or cannot read this one: its log says so. It looks every five \
                 seconds.",
            ),
        },
    }
}
