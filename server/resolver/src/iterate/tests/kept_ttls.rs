//! How long what was validated is kept.

use rhumb_wire::Type;

use super::signed::{resolver, told};

/// The least TTL counts for what was validated too, as long as its signature is valid.
#[tokio::test(start_paused = true)]
async fn ttls_are_held_to_the_limits_once_validated() {
    for (least, left) in [(0, 300), (600, 600), (5000, 1000)] {
        let resolver = resolver(|_, _, said| said);
        resolver.state.set_limits(1 << 20, (least, u32::MAX));
        assert_eq!(told(&resolver, "www.test", Type::A).await, "NOERROR AD");
        assert_eq!(resolver.ask("www.test", Type::A).await.unwrap().ttl, left, "{least}");
        let denied = resolver.ask("none.test", Type::A).await.unwrap().ttl;
        assert_eq!(denied, [60, least][usize::from(least > 60)].min(1000), "{least}");
    }
}
