//! Access tokens as somebody with bad intentions makes them, sent to every service through the gateway.

use crate::access::World;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use common::ids::{CustomerId, OrderId, ProductId, SessionId};
use common::models::auth::Role;
use common::time::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey};
use oms_client::Client;
use reqwest::header::AUTHORIZATION;
use serde_json::{Map, Value, json};
use std::net::TcpListener;

/// A token in the making: header and claims of a good one, to be spoilt.
struct Forgery {
    header: Value,
    claims: Value,
}

/// The shop's own signing key, in the hands of an attacker who may sign whatever they like: what is refused here is
/// refused for what it says.
struct Signer {
    der: Vec<u8>,
    kid: String,
    public: Vec<u8>,
}

impl Signer {
    fn of(world: &World) -> Self {
        let pem = std::fs::read_to_string(&world.system.plan.signing_key_file).unwrap();
        let encoded: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let key = common::auth::signing::SigningKey::from_pem(&pem).unwrap();
        let jwk = serde_json::to_value(key.jwk()).unwrap();
        Self {
            der: BASE64_STANDARD.decode(encoded).unwrap(),
            kid: key.kid().to_owned(),
            public: BASE64_URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap(),
        }
    }

    fn good(&self) -> Forgery {
        let now = Timestamp::now().as_millis() / 1000;
        Forgery {
            header: json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": self.kid }),
            claims: json!({
                "iss": "oms", "aud": "oms", "sub": CustomerId::new(), "exp": now + 600, "iat": now,
                "jti": CustomerId::new(), "role": "admin", "sid": SessionId::new(),
            }),
        }
    }

    fn sign(&self, forgery: &Forgery) -> String {
        let message = forgery.message();
        let signature = jsonwebtoken::crypto::sign(
            message.as_bytes(),
            &EncodingKey::from_ed_der(&self.der),
            Algorithm::EdDSA,
        );
        format!("{message}.{}", signature.unwrap())
    }

    /// The signature of HMAC-SHA256 with the public key for its secret.
    fn sign_with_public_key(&self, forgery: &Forgery, public: &[u8]) -> String {
        let message = forgery.message();
        let key = EncodingKey::from_secret(public);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    }
}

impl Forgery {
    fn message(&self) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }
}

fn members(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().unwrap()
}

/// A route of each service that an administrator may use.
const ROUTES: [&str; 3] = ["/customers", "/orders", "/products?status=archived"];

async fn statuses(world: &World, bearer: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for route in ROUTES {
        let answer = world.request("GET", route).bearer_auth(bearer).send().await.unwrap();
        if answer.status() == 401 {
            assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{route}");
        }
        statuses.push(answer.status().as_u16());
    }
    statuses
}

/// A token and what is wrong with it.
type Spoilt = (String, String);

/// Tokens whose header names another algorithm, another key, another place for one, or another kind of token.
fn spoilt_headers(signer: &Signer, elsewhere: &str) -> Vec<Spoilt> {
    let mut all: Vec<Spoilt> = Vec::new();
    for alg in ["none", "None", "nOnE", ""] {
        let mut forgery = signer.good();
        forgery.header["alg"] = json!(alg);
        all.push((format!("alg {alg:?} without a signature"), format!("{}.", forgery.message())));
        all.push((format!("alg {alg:?} with a signature"), signer.sign(&forgery)));
    }
    let mut confused = signer.good();
    confused.header["alg"] = json!("HS256");
    all.push(("HS256 with the public key".into(), signer.sign_with_public_key(&confused, &signer.public)));
    let text = BASE64_URL_SAFE_NO_PAD.encode(&signer.public);
    all.push((
        "HS256 with the public key as text".into(),
        signer.sign_with_public_key(&confused, text.as_bytes()),
    ));
    all.push(("HS256 under EdDSA".into(), signer.sign_with_public_key(&signer.good(), &signer.public)));

    for kid in [
        json!("unknown"),
        json!(""),
        json!("../../../../dev/null"),
        json!("/etc/passwd"),
        json!("' OR '1'='1"),
        json!("'; DROP TABLE keys; --"),
        json!({ "$ne": "" }),
        json!(format!("http://{elsewhere}/key")),
        json!("\u{0}"),
        json!("k".repeat(2000)),
    ] {
        let mut forgery = signer.good();
        forgery.header["kid"] = kid.clone();
        all.push((format!("kid {kid:.40}"), signer.sign(&forgery)));
    }
    let mut nameless = signer.good();
    members(&mut nameless.header).remove("kid");
    all.push(("no kid".into(), signer.sign(&nameless)));

    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": text, "kid": signer.kid });
    for (name, value) in [
        ("jku", json!(format!("http://{elsewhere}/jwks.json"))),
        ("x5u", json!(format!("http://{elsewhere}/certificate.pem"))),
        ("x5c", json!(["MIIB"])),
        ("jwk", jwk),
        ("url", json!(format!("http://{elsewhere}/"))),
        ("crit", json!(["b64"])),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
    ] {
        let mut forgery = signer.good();
        forgery.header[name] = value;
        all.push((format!("header {name}"), signer.sign(&forgery)));
    }
    for typ in [json!("JWT"), json!("jwt"), json!("id+jwt"), json!(""), Value::Null] {
        let mut forgery = signer.good();
        forgery.header["typ"] = typ.clone();
        all.push((format!("typ {typ}"), signer.sign(&forgery)));
    }
    let mut untyped = signer.good();
    members(&mut untyped.header).remove("typ");
    all.push(("no typ".into(), signer.sign(&untyped)));

    all
}

/// Tokens that lack a claim, or claim what does not hold.
fn spoilt_claims(signer: &Signer) -> Vec<Spoilt> {
    let mut all: Vec<Spoilt> = Vec::new();
    let now = Timestamp::now().as_millis() / 1000;
    for claim in ["iss", "aud", "sub", "exp", "iat", "jti", "role", "sid"] {
        let mut forgery = signer.good();
        members(&mut forgery.claims).remove(claim);
        all.push((format!("no {claim}"), signer.sign(&forgery)));
    }
    for (claim, value) in [
        ("iss", json!("someone else")),
        ("iss", json!(["oms"])),
        ("aud", json!("someone else")),
        ("aud", json!(["someone else", "oms"])),
        ("sub", json!("admin")),
        ("sub", json!({ "$ne": "" })),
        ("role", json!("owner")),
        ("sid", json!("1")),
        ("jti", json!("")),
        ("jti", json!(1)),
        ("exp", json!(now - 11)),
        ("exp", json!("never")),
        ("exp", json!(1e300)),
        ("exp", json!(-1)),
        ("iat", json!(now + 60)),
        ("iat", json!("now")),
        ("nbf", json!(now + 60)),
        ("nbf", json!("later")),
    ] {
        let mut forgery = signer.good();
        forgery.claims[claim] = value.clone();
        all.push((format!("{claim} {value}"), signer.sign(&forgery)));
    }

    all
}

/// Texts that are no token, or that end in the signature of another one.
fn spoilt_texts(signer: &Signer) -> Vec<Spoilt> {
    let mut all: Vec<Spoilt> = Vec::new();
    let good = signer.sign(&signer.good());
    let mut altered = signer.good();
    let message = altered.message();
    altered.claims["role"] = json!("staff");
    let signature = good.rsplit_once('.').unwrap().1;
    all.push(("another token's signature".into(), format!("{}.{signature}", altered.message())));
    all.push(("no signature".into(), format!("{message}.")));
    for text in [".", "..", "...", "a.b.c", "null", "{}", &format!("{good}.x"), &good.replace('.', "..")] {
        all.push((format!("text {text:.20}"), text.to_owned()));
    }
    all
}

#[tokio::test]
async fn forged_tokens_are_refused_by_every_service_and_none_of_them_calls_anybody() {
    let world = World::start().await;
    let signer = Signer::of(&world);
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let address = elsewhere.local_addr().unwrap().to_string();

    // What is refused below is not refused for how it is made: the same, unspoilt, is good.
    assert_eq!(statuses(&world, &signer.sign(&signer.good())).await, [200, 200, 200]);
    let forgeries =
        [spoilt_headers(&signer, &address), spoilt_claims(&signer), spoilt_texts(&signer)].concat();
    for (what, token) in &forgeries {
        assert_eq!(statuses(&world, token).await, [401, 401, 401], "{what}");
    }
    println!("{} forgeries, each refused by {} services", forgeries.len(), ROUTES.len());
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    world.system.stop().await;
}

#[tokio::test]
async fn a_refresh_token_two_tokens_and_a_token_without_end_are_refused() {
    let world = World::start().await;
    let signer = Signer::of(&world);
    let good = signer.sign(&signer.good());
    let (_, email) = world.customer(Some(crate::access::PASSWORD)).await;
    let nobody = Client::builder(&world.system.url()).build().unwrap();
    let credentials = common::models::auth::LogIn {
        email: email.parse().unwrap(),
        password: crate::access::PASSWORD.parse().unwrap(),
    };
    let pair = nobody.log_in(&credentials).await.unwrap();
    assert_eq!(statuses(&world, &pair.refresh_token).await, [401, 401, 401]);

    for route in ROUTES {
        let header = format!("Bearer {good}");
        let other = format!("Bearer {}", world.token(CustomerId::new(), Role::Customer));
        for second in [&header, &other] {
            let request = world.request("GET", route).header(AUTHORIZATION, &header);
            let answer = request.header(AUTHORIZATION, second).send().await.unwrap();
            assert_eq!(answer.status(), 401, "{route}");
        }
        for value in [good.clone(), format!("Basic {good}"), "Bearer".to_owned(), format!("Bearer {good} x")]
        {
            let answer = world.request("GET", route).header(AUTHORIZATION, &value).send().await.unwrap();
            assert_eq!(answer.status(), 401, "{route} {value:.10}");
        }
        for length in [5_000, 20_000] {
            let answer = world.request("GET", route).bearer_auth("x".repeat(length)).send().await.unwrap();
            assert_eq!(answer.status(), 401, "{route} {length}");
        }
        // On a connection of its own: whoever refuses it does so by closing.
        let own = common::http::peer::client().unwrap().get(format!("{}{route}", world.system.url()));
        let endless = own.bearer_auth("x".repeat(1024 * 1024));
        match endless.timeout(std::time::Duration::from_secs(20)).send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                println!("a token of 1 MiB on {route}: {status}");
                assert!([400, 401, 413, 431].contains(&status), "{route}: {status}");
            }
            // A server that has said no need not read on: the rest of the request may find the connection closed.
            Err(failure) => {
                println!("a token of 1 MiB on {route}: {failure:?}");
                assert!(!failure.is_timeout(), "{route}: {failure:?}");
            }
        }
        assert_eq!(world.request("GET", route).bearer_auth(&good).send().await.unwrap().status(), 200);
    }
    let path = format!("/orders/{}", OrderId::new());
    assert_eq!(world.request("GET", &path).bearer_auth(&good).send().await.unwrap().status(), 404);
    let path = format!("/products/{}", ProductId::new());
    assert_eq!(world.request("GET", &path).bearer_auth("x").send().await.unwrap().status(), 401);
    world.system.stop().await;
}
