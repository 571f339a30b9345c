//! Random sequences of an honest browser, a lossy network, skewed nodes and an attacker.
//!
//! Whatever happens, a copied cookie is worth its minutes, and the browser with the device's key is
//! signed in once the network is quiet.

mod world;

use proptest::prelude::*;

use world::{Op, World};

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::Visit),
        3 => (1..700_u64).prop_map(Op::Wait),
        1 => Just(Op::Wait(1_500)),
        2 => Just(Op::SendRefresh),
        3 => any::<prop::sample::Index>().prop_map(Op::Arrive),
        3 => any::<prop::sample::Index>().prop_map(Op::Answer),
        1 => any::<prop::sample::Index>().prop_map(Op::Lose),
        1 => any::<prop::sample::Index>().prop_map(Op::ArriveAgain),
        1 => Just(Op::SignIn),
        1 => any::<bool>().prop_map(Op::Outage),
        2 => Just(Op::Steal),
        2 => Just(Op::AttackerVisits),
        1 => Just(Op::AttackerRenews),
        1 => Just(Op::AttackerExtends),
        1 => any::<prop::sample::Index>().prop_map(Op::AttackerReplays),
        1 => Just(Op::AttackerRegisters),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn an_attacker_gains_no_time_and_an_honest_browser_is_never_locked_out(
        ops in prop::collection::vec(op(), 1..40)
    ) {
        cloakroom::block_on(async {
            let mut world = World::new().await;
            for op in ops {
                world.play(op).await?;
            }
            world.calm_down().await
        })?;
    }
}
