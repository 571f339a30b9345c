//! TLS: only a server with a valid, trusted certificate is accepted.

use cloakroom::{SessionMap, Sessions};
use cloakroom_postgres::{PostgresErrorKind, PostgresStore};
use cloakroom_testkit::servers::chaos::STORE_TIMEOUT;
use cloakroom_testkit::servers::{Certificates, Durability, Postgres, Server};
use tokio::runtime::Runtime;

#[test]
fn tls_needs_a_certificate_that_is_trusted_and_valid_for_the_host() {
    let (good, other) = (Certificates::new(), Certificates::new());
    let server = Postgres::start_encrypted(Durability::None, &good);
    let builder = |url: &str| {
        PostgresStore::builder(format!("{url}?sslmode=require")).timeout(4 * STORE_TIMEOUT)
    };
    let url = server.url();
    Runtime::new().unwrap().block_on(async {
        for url in [&url, &url.replace("127.0.0.1", "localhost")] {
            let store = builder(url).root_certificate(good.root()).connect().await.unwrap();
            assert!(store.inspect().await.unwrap().is_encrypted);
            let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
            assert!(sessions.generate(SessionMap::default()).await.is_ok());
        }
        // The application decides which cryptography its process uses.
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
        for untrusting in [builder(&url), builder(&url).root_certificate(other.root())] {
            let error = untrusting.connect().await.unwrap_err();
            assert_eq!(error.kind(), PostgresErrorKind::Tls, "{error:?}");
        }
        let missing =
            builder(&url).root_certificate("/nowhere/root.pem").connect().await.unwrap_err();
        assert_eq!(missing.kind(), PostgresErrorKind::Tls, "{missing}");
        // There is no fallback to an unencrypted connection.
        let plain = Postgres::start(Durability::None);
        let error =
            builder(&plain.url()).root_certificate(good.root()).connect().await.unwrap_err();
        assert_eq!(error.kind(), PostgresErrorKind::Tls, "{error:?}");
    });
}
