//! TLS to the database, with the same implementation as all other connections.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    errors::{chain, invalid},
    settings::Settings,
};
use crate::grant::store_error::StoreError;

/// The connector. Certificate and name of the server are always verified.
pub(super) fn connector(settings: &Settings) -> Result<MakeRustlsConnect, StoreError> {
    let failed = |error: rustls::Error| {
        invalid(format!("the system's certificates cannot be used: {}", chain(&error)))
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let is_off = settings.config.get_ssl_mode() == SslMode::Disable;
    let config = match &settings.root_certificates {
        Some(file) => builder.with_root_certificates(read(file)?).with_no_client_auth(),
        None if is_off => {
            builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
        None => builder.with_platform_verifier().map_err(failed)?.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn read(file: &Path) -> Result<RootCertStore, StoreError> {
    let failed = |error: &dyn std::error::Error| {
        invalid(format!("the file of `sslrootcert`, {}: {}", file.display(), chain(error)))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| failed(&error))? {
        let certificate = certificate.map_err(|error| failed(&error))?;
        roots.add(certificate).map_err(|error| failed(&error))?;
    }
    if roots.is_empty() {
        let problem = format!("the file of `sslrootcert`, {}, has no certificate", file.display());
        return Err(invalid(problem));
    }
    Ok(roots)
}
