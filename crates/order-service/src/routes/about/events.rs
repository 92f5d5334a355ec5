//! The feed of events.

use common::api::about::About;
use common::models::auth::Scope;
use common::models::event::Event;

pub fn read_events() -> About {
    About::new("Read what happened")
        .text(
            "Events after the cursor, oldest first; `Link` always has the cursor to go on with. Without `after` it begins with \
             the first event that is kept, with `after=latest` with what happens from now on. With `Accept: text/event-stream` \
             the answer goes on by itself, each event under its cursor as `id`.",
        )
        .needs(Scope::EventsRead)
        .lists::<Event>()
        .streams()
        .refuses(410, &["cursor_expired"])
}
