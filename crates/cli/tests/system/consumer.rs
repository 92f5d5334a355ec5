//! A consumer of the published keys that nobody here wrote: PyJWT.

use crate::access::{PASSWORD, World};
use crate::python::python_with;
use common::models::auth::LogIn;
use oms_client::Client;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const VERSION: &str = "PyJWT[crypto]==2.10.1";

/// Verifies the token with a key from the address, and prints its claims.
const PROGRAM: &str = "
import json, sys, jwt
url, token = sys.argv[1:]
key = jwt.PyJWKClient(url).get_signing_key_from_jwt(token)
claims = jwt.decode(token, key, algorithms=['EdDSA'], audience='oms', issuer='oms',
                    options={'require': ['exp', 'iat', 'iss', 'aud', 'sub', 'jti']})
print(json.dumps({'header': jwt.get_unverified_header(token), 'claims': claims}))
";

fn python() -> PathBuf {
    python_with("pyjwt", &[VERSION], "jwt, cryptography")
}

fn verify(python: &Path, url: &str, token: &str) -> Output {
    let mut command = Command::new(python);
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    command.args(["-c", PROGRAM, url, token]).output().unwrap()
}

#[tokio::test]
async fn pyjwt_verifies_an_access_token_by_the_published_keys_and_refuses_an_altered_one() {
    let python = tokio::task::spawn_blocking(python).await.unwrap();
    let world = World::start().await;
    let (id, email) = world.customer(Some(PASSWORD)).await;
    let nobody = Client::builder(&world.system.url()).build().unwrap();
    let credentials = LogIn { email: email.parse().unwrap(), password: PASSWORD.parse().unwrap() };
    let token = nobody.log_in(&credentials).await.unwrap().access_token;
    let url = format!("{}/.well-known/jwks.json", world.system.url());

    let output = verify(&python, &url, &token);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    println!("PyJWT saw {seen}");
    assert_eq!(
        (&seen["claims"]["sub"], &seen["claims"]["role"]),
        (&id.to_string().into(), &"customer".into())
    );
    assert_eq!((&seen["header"]["alg"], &seen["header"]["typ"]), (&"EdDSA".into(), &"at+jwt".into()));

    let (message, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let altered = format!("{message}.{first}{}", &signature[1..]);
    let output = verify(&python, &url, &altered);
    assert!(String::from_utf8_lossy(&output.stderr).contains("InvalidSignatureError"), "{output:?}");
    world.system.stop().await;
}
