//! Single flight: who asks for something that is being read already waits for that reading instead of making another.

use common::context;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

type Landed<V> = watch::Receiver<Option<V>>;

/// Each flight with its number.
type Board<K, V> = HashMap<K, (u64, Landed<V>)>;

/// The readings under way in this process; cheap to clone.
pub struct Flights<K, V> {
    under_way: Arc<Mutex<Board<K, V>>>,
    departed: Arc<AtomicU64>,
}

impl<K, V> Clone for Flights<K, V> {
    fn clone(&self) -> Self {
        Self { under_way: self.under_way.clone(), departed: self.departed.clone() }
    }
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self { under_way: Arc::default(), departed: Arc::default() }
    }
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What the reading of this key gives: the one under way, or one that begins now, in a task of its own. `None`
    /// where it died.
    pub async fn join<F>(&self, key: &K, read: impl FnOnce() -> F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut landed = self.board(key, read);
        landed.wait_for(Option::is_some).await.ok()?.clone()
    }

    fn board<F>(&self, key: &K, read: impl FnOnce() -> F) -> Landed<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, landed)) = under_way.get(key) {
            return landed.clone();
        }
        let (land, landed) = watch::channel(None);
        let number = self.departed.fetch_add(1, Ordering::Relaxed);
        under_way.insert(key.clone(), (number, landed.clone()));
        let end = End { flights: self.clone(), key: key.clone(), number };
        let reading = read();
        context::spawn(async move {
            let value = reading.await;
            drop(end);
            land.send_replace(Some(value));
        });
        landed
    }

    /// From now on nobody joins a reading that began before.
    pub fn forget(&self, key: &K) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Takes a flight off the board, also where its reading panics.
struct End<K: Eq + Hash, V> {
    flights: Flights<K, V>,
    key: K,
    number: u64,
}

impl<K: Eq + Hash, V> Drop for End<K, V> {
    fn drop(&mut self) {
        let mut under_way = self.flights.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            under_way.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::Notify;

    #[tokio::test]
    async fn those_who_ask_at_once_share_one_reading_and_the_next_one_reads_anew() {
        let (flights, reads, go) =
            (Flights::<u8, u64>::default(), Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
        let read = || {
            let (reads, go) = (reads.clone(), go.clone());
            move || async move {
                go.notified().await;
                reads.fetch_add(1, Ordering::Relaxed)
            }
        };
        let waiting: Vec<_> = (0..100).map(|_| flights.join(&1, read())).collect();
        let all = futures_util::future::join_all(waiting);
        go.notify_one();
        assert!(all.await.into_iter().all(|number| number == Some(0)));
        go.notify_one();
        assert_eq!(flights.join(&1, read()).await, Some(1));
    }

    #[tokio::test]
    async fn nobody_joins_a_reading_from_before_a_change() {
        let (flights, go) = (Flights::<u8, u8>::default(), Arc::new(Notify::new()));
        let before = flights.board(&1, || {
            let go = go.clone();
            async move {
                go.notified().await;
                1
            }
        });
        flights.forget(&1);
        assert_eq!(flights.join(&1, || async { 2 }).await, Some(2));
        go.notify_one();
        let mut before = before;
        assert_eq!(*before.wait_for(Option::is_some).await.unwrap(), Some(1));
    }

    #[tokio::test]
    async fn a_reading_that_dies_leaves_nobody_waiting() {
        let flights = Flights::<u8, u8>::default();
        let dying = flights.join(&1, || async { panic!("on purpose") }).await;
        assert_eq!(dying, None);
        assert_eq!(flights.join(&1, || async { 3 }).await, Some(3));
    }
}
