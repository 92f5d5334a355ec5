//! TLS at the public door: a certificate and its key, read again when their files change, so that a renewed one needs no
//! restart.

use crate::config::TlsSettings;
use anyhow::{Context as _, ensure};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// The files, and what they said when they were last good.
pub struct Certificates {
    files: Files,
    provider: Arc<CryptoProvider>,
    current: Arc<Current>,
}

#[derive(Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What new connections are shown.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Certificates {
    /// `None` where the settings name no files.
    pub fn open(settings: &TlsSettings) -> anyhow::Result<Option<Self>> {
        if settings.certificate_file.is_empty() {
            return Ok(None);
        }
        let (certificate, key) =
            (settings.certificate_file.as_str().into(), settings.key_file.as_str().into());
        let files = Files { certificate, key };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let current = Arc::new(Current(RwLock::new(Arc::new(files.read(&provider)?))));
        Ok(Some(Self { files, provider, current }))
    }

    /// How the listener speaks: TLS 1.2 and 1.3.
    pub fn server(&self) -> anyhow::Result<ServerConfig> {
        let server = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .context("TLS")?;
        Ok(server.with_no_client_auth().with_cert_resolver(self.current.clone()))
    }

    /// Looks again and again whether the files have changed; where they cannot be read, or are between two states, the
    /// old certificate stays.
    pub async fn reload_every(self, interval: Duration) {
        let mut was_good = true;
        loop {
            tokio::time::sleep(interval).await;
            let (files, provider) = (self.files.clone(), self.provider.clone());
            // A file system may be slow, and this is not the place to wait for it.
            let found = tokio::task::spawn_blocking(move || files.read(&provider)).await;
            match found.map_err(anyhow::Error::from).flatten() {
                Ok(found) => {
                    was_good = true;
                    self.take_over(found);
                }
                Err(cause) if was_good => {
                    was_good = false;
                    let cause = format!("{cause:#}");
                    tracing::error!(cause, "the TLS certificate cannot be read again; the old one stays");
                }
                Err(_) => {}
            }
        }
    }

    fn take_over(&self, found: CertifiedKey) {
        let mut current = self.current.0.write().unwrap_or_else(PoisonError::into_inner);
        if current.cert != found.cert {
            *current = Arc::new(found);
            tracing::info!("new connections are shown a new TLS certificate");
        }
    }
}

impl Files {
    /// Refuses a key that is not the certificate's.
    fn read(&self, provider: &CryptoProvider) -> anyhow::Result<CertifiedKey> {
        let (certificate_file, key_file) = (self.certificate.display(), self.key.display());
        let in_certificate = || format!("tls.certificate_file {certificate_file}");
        let in_key = || format!("tls.key_file {key_file}");
        let pem = std::fs::read(&self.certificate).with_context(in_certificate)?;
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().with_context(in_certificate)?;
        ensure!(!chain.is_empty(), "{}: there is no certificate in it", in_certificate());
        let pem = std::fs::read(&self.key).with_context(in_key)?;
        let key = PrivateKeyDer::from_pem_slice(&pem).with_context(in_key)?;
        CertifiedKey::from_der(chain, key, provider)
            .with_context(|| format!("{certificate_file} and {key_file} do not belong together"))
    }
}
