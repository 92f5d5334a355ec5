//! One feed of three logs: merged by when an event was recorded, each log in its own order.

use common::events::cursor::{FeedCursor, LogName};
use common::events::log::LogPage;
use common::events::logged::Logged;
use std::collections::VecDeque;

/// A page of the feed.
#[derive(Debug)]
pub struct FeedPage {
    /// Each with where to go on after it.
    pub events: Vec<(Logged, FeedCursor)>,
    /// Where to go on after the page.
    pub next: FeedCursor,
    /// Whether there was nothing more.
    pub is_end: bool,
}

/// A log that is being merged.
struct Queue {
    log: LogName,
    events: VecDeque<Logged>,
    next: i64,
    is_end: bool,
}

/// At most `limit` events of what these logs have after the cursor. Positions of the others stay where they are.
pub fn merge(after: FeedCursor, pages: Vec<(LogName, LogPage)>, limit: usize) -> FeedPage {
    let queue = |(log, page): (LogName, LogPage)| Queue {
        log,
        is_end: page.next >= page.last,
        next: page.next,
        events: page.events.into(),
    };
    let mut queues: Vec<Queue> = pages.into_iter().map(queue).collect();
    let (mut events, mut cursor) = (Vec::new(), after);
    while events.len() < limit {
        let waiting = queues.iter_mut().filter(|queue| !queue.events.is_empty());
        // A log that was read to the end of its page may go on with something older than what the others have: its
        // place in the page after this one is as good.
        let first =
            waiting.min_by_key(|queue| queue.events.front().map(|event| (event.recorded_at, queue.log)));
        let Some((log, event)) = first.and_then(|queue| Some((queue.log, queue.events.pop_front()?))) else {
            break;
        };
        cursor.set(log, event.position);
        events.push((event, cursor));
    }
    let mut page = FeedPage { events, next: cursor, is_end: true };
    for queue in queues {
        if queue.events.is_empty() {
            page.next.set(queue.log, queue.next);
        }
        page.is_end &= queue.events.is_empty() && queue.is_end;
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::ids::EntityId;
    use common::models::event::EntityKind;
    use common::time::Timestamp;

    fn log(first: i64, times: &[i64], next: i64, last: i64) -> LogPage {
        let event = |(position, at): (i64, &i64)| Logged {
            position,
            entity_kind: EntityKind::Order,
            entity_id: EntityId::new(),
            sequence: 1,
            version: 1,
            kind: "order.placed".into(),
            at: Timestamp::from_millis(*at),
            recorded_at: Timestamp::from_millis(*at),
            actor: None,
            change: None,
            data: None,
            data_at: None,
        };
        LogPage { events: (first..).zip(times).map(event).collect(), next, last }
    }

    #[test]
    fn a_page_is_cut_where_each_log_is_and_the_next_one_goes_on_there() {
        let pages =
            || vec![(LogName::Orders, log(5, &[10, 30], 6, 9)), (LogName::Products, log(2, &[20], 40, 40))];
        let page = merge(FeedCursor::default(), pages(), 2);
        let at: Vec<i64> = page.events.iter().map(|(event, _)| event.at.as_millis()).collect();
        assert_eq!(at, [10, 20]);
        assert_eq!(page.events[0].1, FeedCursor { orders: Some(5), ..FeedCursor::default() });
        assert_eq!(page.next, FeedCursor { orders: Some(5), customers: None, products: Some(40) });
        assert!(!page.is_end);
        let whole = merge(FeedCursor::default(), pages(), 9);
        assert_eq!((whole.events.len(), whole.next.orders, whole.is_end), (3, Some(6), false));
    }
}
