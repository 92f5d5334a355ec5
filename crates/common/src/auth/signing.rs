//! Signing keys of access tokens: Ed25519 (RFC 8032) as PKCS#8 PEM (RFC 8410), named by their thumbprint (RFC 7638).

use super::token::{Claims, TOKEN_TYPE};
use anyhow::{Context as _, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};

/// A PKCS#8 version 1 document of an Ed25519 key: this header, then the 32 bytes of the seed.
const PKCS8_HEADER: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// A key that signs access tokens, and its public half.
#[derive(Clone)]
pub struct SigningKey {
    key: EncodingKey,
    jwk: Jwk,
    kid: String,
}

impl SigningKey {
    /// A fresh key as PEM text.
    pub fn generate_pem() -> anyhow::Result<String> {
        let mut seed = [0_u8; 32];
        getrandom::fill(&mut seed).context("no randomness")?;
        let der = [PKCS8_HEADER.as_slice(), &seed].concat();
        Ok(format!("{BEGIN}\n{}\n{END}\n", BASE64_STANDARD.encode(der)))
    }

    /// Reads a text of one PEM key or several, each of which may stand in it once.
    pub fn all_from_pem(pem: &str) -> anyhow::Result<Vec<Self>> {
        let mut keys: Vec<Self> = Vec::new();
        for block in pem.split_inclusive(END).filter(|block| !block.trim().is_empty()) {
            let key = Self::from_pem(block)?;
            ensure!(keys.iter().all(|other| other.kid != key.kid), "the key {} stands there twice", key.kid);
            keys.push(key);
        }
        ensure!(!keys.is_empty(), "not a PEM private key");
        Ok(keys)
    }

    /// Reads one PEM text.
    pub fn from_pem(pem: &str) -> anyhow::Result<Self> {
        let text = pem.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
        let encoded: String = text.context("not a PEM private key")?.split_ascii_whitespace().collect();
        let der = BASE64_STANDARD.decode(encoded).context("not a PEM private key")?;
        let (header, seed) = der.split_at_checked(PKCS8_HEADER.len()).context("not an Ed25519 key")?;
        ensure!(header == PKCS8_HEADER && seed.len() == 32, "not an Ed25519 key in PKCS#8 version 1");
        let key = EncodingKey::from_ed_der(&der);
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::EdDSA).context("not an Ed25519 key")?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).context("thumbprint")?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { key, jwk, kid })
    }

    /// Its name: the thumbprint of the public half.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, with `kid`, `alg` and `use`.
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// Signs an access token.
    pub fn sign(&self, claims: &Claims) -> anyhow::Result<String> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.key).context("sign an access token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::keys::KeySource;
    use crate::auth::token::{TokenError, TokenSettings, TokenVerifier};
    use crate::ids::{CustomerId, SessionId};
    use crate::models::auth::Role;
    use crate::time::Timestamp;
    use jsonwebtoken::jwk::JwkSet;

    fn claims() -> Claims {
        let now = Timestamp::now().as_millis() / 1000;
        Claims {
            iss: "oms".into(),
            aud: "oms".into(),
            sub: CustomerId::new(),
            exp: now + 600,
            iat: now,
            nbf: None,
            jti: "1".into(),
            role: Role::Customer,
            sid: SessionId::new(),
        }
    }

    fn verifier(keys: &[&SigningKey]) -> TokenVerifier {
        let set = JwkSet { keys: keys.iter().map(|key| key.jwk().clone()).collect() };
        let settings = TokenSettings {
            issuer: "oms".into(),
            audience: "oms".into(),
            cache_entries: 10,
            keys_url: String::new(),
            keys_refresh_ms: 0,
        };
        TokenVerifier::new(&settings, KeySource::fixed(&set))
    }

    fn key() -> SigningKey {
        SigningKey::from_pem(&SigningKey::generate_pem().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_signed_token_is_verified_by_any_published_key_and_by_no_other() {
        let (old, new, foreign) = (key(), key(), key());
        let verifier = verifier(&[&old, &new]);
        let claims = claims();
        for signer in [&old, &new] {
            let token = signer.sign(&claims).unwrap();
            assert_eq!(verifier.verify(&token).await.unwrap().customer_id, claims.sub);
            assert_eq!(verifier.verify(&token).await.unwrap().customer_id, claims.sub);
        }
        assert_eq!(verifier.verify(&foreign.sign(&claims).unwrap()).await, Err(TokenError::Invalid));
    }

    #[tokio::test]
    async fn claims_that_do_not_hold_are_refused() {
        let key = key();
        let verifier = verifier(&[&key]);
        let now = Timestamp::now().as_millis() / 1000;
        type Change = fn(&mut Claims, i64);
        let changes: [(Change, TokenError); 5] = [
            (|claims, now| claims.exp = now - 11, TokenError::Expired),
            (|claims, now| claims.nbf = Some(now + 60), TokenError::Invalid),
            (|claims, now| claims.iat = now + 60, TokenError::Invalid),
            (|claims, _| claims.iss = "else".into(), TokenError::Invalid),
            (|claims, _| claims.aud = "else".into(), TokenError::Invalid),
        ];
        for (change, expected) in changes {
            let mut claims = claims();
            change(&mut claims, now);
            assert_eq!(verifier.verify(&key.sign(&claims).unwrap()).await, Err(expected));
        }
    }

    #[test]
    fn a_text_that_is_no_ed25519_key_is_refused() {
        for bad in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
            assert!(SigningKey::from_pem(bad).is_err());
        }
    }
}
