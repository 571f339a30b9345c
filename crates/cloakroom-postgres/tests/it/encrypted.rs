//! Over TLS, to a server whose certificate is good, and to no other.

use cloakroom::{SessionMap, Sessions};
use cloakroom_postgres::{PostgresErrorKind, PostgresStore};
use cloakroom_testkit::servers::hardship::PATIENCE;
use cloakroom_testkit::servers::{Certificates, Durability, Postgres, Server};
use tokio::runtime::Runtime;

#[test]
fn a_server_is_spoken_to_over_tls_if_its_certificate_is_good_for_its_name_and_by_a_root_that_is_trusted()
 {
    let (good, other) = (Certificates::new(), Certificates::new());
    let server = Postgres::start_encrypted(Durability::None, &good);
    let reach =
        |url: &str| PostgresStore::builder(format!("{url}?sslmode=require")).timeout(4 * PATIENCE);
    let url = server.url();
    Runtime::new().unwrap().block_on(async {
        for url in [&url, &url.replace("127.0.0.1", "localhost")] {
            let store = reach(url).trusting(good.root()).connect().await.unwrap();
            assert!(store.inspect().await.unwrap().is_encrypted);
            let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
            assert!(sessions.generate(SessionMap::default()).await.is_ok());
        }
        for wary in [reach(&url), reach(&url).trusting(other.root())] {
            let error = wary.connect().await.unwrap_err();
            assert_eq!(error.kind(), PostgresErrorKind::Tls, "{error:?}");
        }
        let absent = reach(&url).trusting("/nowhere/root.pem").connect().await.unwrap_err();
        assert_eq!(absent.kind(), PostgresErrorKind::Tls, "{absent}");
        // Who asks for encryption is not content without.
        let plain = Postgres::start(Durability::None);
        let error = reach(&plain.url()).trusting(good.root()).connect().await.unwrap_err();
        assert_eq!(error.kind(), PostgresErrorKind::Tls, "{error:?}");
    });
}
