//! What a service says of its documents, so that they can become events.

use crate::ids::EntityId;
use crate::models::event::{Entity, EntityKind};
use crate::mongo::StoreError;
use crate::time::Timestamp;
use mongodb::bson::{Document, RawDocumentBuf};

/// One collection whose changes are told.
#[derive(Clone, Copy)]
pub struct Source {
    pub collection: &'static str,
    pub kind: EntityKind,
    /// The field with the time of the last change.
    pub time: &'static str,
    /// The field that every change raises; `None` where documents never change.
    pub version: Option<&'static str>,
    /// The index over the time, the identity and the version, in this order, whatever their directions: a look for
    /// changes reads nothing else.
    pub index: fn() -> Document,
    /// Reads a document.
    pub describe: fn(&RawDocumentBuf) -> Result<Described, StoreError>,
}

/// A document as events tell of it.
#[derive(Clone, Debug)]
pub struct Described {
    pub id: EntityId,
    pub version: i64,
    /// JSON, with nothing personal in it.
    pub data: String,
    pub told: Told,
}

/// What happened to a document.
#[derive(Clone, Debug)]
pub enum Told {
    /// Everything that ever did, oldest first: one event for each, numbered from 1.
    History(Vec<Happening>),
    /// The document remembers nothing: one event for all that happened since the log was last told.
    Latest {
        happening: Happening,
        /// The type of the first event, where the document is no older than the log.
        first: &'static str,
        created_at: Timestamp,
    },
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Happening {
    /// A type of [`crate::models::event::TYPES`].
    pub kind: &'static str,
    pub at: Timestamp,
    pub actor: Option<String>,
    /// JSON of what belongs to this event alone.
    pub change: Option<String>,
}

impl Happening {
    pub const fn new(kind: &'static str, at: Timestamp) -> Self {
        Self { kind, at, actor: None, change: None }
    }
}

/// An event that is to be appended.
#[derive(Clone, Debug)]
pub struct Draft {
    pub entity: Entity,
    pub sequence: i64,
    pub version: i64,
    pub happening: Happening,
    /// `None`: that of the last draft of this entity.
    pub data: Option<String>,
}

/// How far the log tells of an entity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub sequence: i64,
    pub version: i64,
}

/// The events that the log lacks of a document. What happened before `floor` and is not in the log was there once.
pub fn missing(kind: EntityKind, document: Described, head: Option<Head>, floor: Timestamp) -> Vec<Draft> {
    let Described { id, version, data, told } = document;
    let entity = Entity { kind, id };
    let mut drafts = match told {
        Told::History(history) => {
            let known = match head {
                Some(head) => usize::try_from(head.sequence).unwrap_or(usize::MAX),
                None => history.iter().rposition(|happening| happening.at < floor).map_or(0, |last| last + 1),
            };
            let numbered = (1_i64..).zip(history).skip(known);
            let draft =
                |(sequence, happening)| Draft { entity, sequence, version: sequence, happening, data: None };
            numbered.map(draft).collect()
        }
        Told::Latest { .. } if head.is_some_and(|head| head.version >= version) => Vec::new(),
        Told::Latest { happening, .. } if head.is_none() && happening.at < floor => Vec::new(),
        Told::Latest { mut happening, first, created_at } => {
            let sequence = head.map_or(0, |head| head.sequence) + 1;
            if head.is_none() && created_at >= floor {
                happening.kind = first;
            }
            vec![Draft { entity, sequence, version, happening, data: None }]
        }
    };
    if let Some(last) = drafts.last_mut() {
        last.data = Some(data);
    }
    drafts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn order(times: &[i64]) -> Described {
        let history = times.iter().map(|time| Happening::new("order.placed", at(*time))).collect();
        let version = i64::try_from(times.len()).unwrap();
        Described { id: EntityId::new(), version, data: "{}".into(), told: Told::History(history) }
    }

    fn sequences(drafts: &[Draft]) -> Vec<i64> {
        drafts.iter().map(|draft| draft.sequence).collect()
    }

    #[test]
    fn a_history_is_told_from_where_the_log_ends_and_its_state_once() {
        let all = missing(EntityKind::Order, order(&[1, 2, 3]), None, at(0));
        assert_eq!(sequences(&all), [1, 2, 3]);
        assert_eq!(all.iter().filter(|draft| draft.data.is_some()).count(), 1);
        assert!(all.last().unwrap().data.is_some());
        let head = Some(Head { sequence: 2, version: 2 });
        assert_eq!(sequences(&missing(EntityKind::Order, order(&[1, 2, 3]), head, at(0))), [3]);
        assert_eq!(sequences(&missing(EntityKind::Order, order(&[1, 2, 3]), None, at(3))), [3]);
        assert!(missing(EntityKind::Order, order(&[1, 2, 3]), None, at(4)).is_empty());
    }

    #[test]
    fn what_remembers_nothing_is_told_once_for_all_and_numbered_without_a_hole() {
        let product = |version| Described {
            id: EntityId::new(),
            version,
            data: "{}".into(),
            told: Told::Latest {
                happening: Happening::new("product.updated", at(5)),
                first: "product.created",
                created_at: at(3),
            },
        };
        let first = missing(EntityKind::Product, product(4), None, at(0));
        assert_eq!((first[0].sequence, first[0].version, first[0].happening.kind), (1, 4, "product.created"));
        let head = Some(Head { sequence: 1, version: 4 });
        assert!(missing(EntityKind::Product, product(4), head, at(0)).is_empty());
        let next = missing(EntityKind::Product, product(9), head, at(0));
        assert_eq!((next[0].sequence, next[0].version, next[0].happening.kind), (2, 9, "product.updated"));
        let old = missing(EntityKind::Product, product(4), None, at(4));
        assert_eq!((old[0].sequence, old[0].happening.kind), (1, "product.updated"));
        assert!(missing(EntityKind::Product, product(4), None, at(6)).is_empty());
    }
}
