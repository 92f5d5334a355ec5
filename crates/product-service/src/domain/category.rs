//! A category of the tree and how it changes.

use common::ids::CategoryId;
use common::models::category::{
    self as model, CategoryChange, CategoryDescription, CategoryPath, NewCategory,
};
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A category as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Category {
    #[serde(rename = "_id")]
    pub id: CategoryId,
    pub path: CategoryPath,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CategoryPath>,
    pub name: model::CategoryName,
    pub description: CategoryDescription,
    /// How many branches it has of its own: it cannot go while it has any.
    pub branches: i64,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Tells a repeat of the creating request from another request under the same key; in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

impl Category {
    pub fn create(id: CategoryId, new: NewCategory, fingerprint: Option<String>, now: Timestamp) -> Self {
        Self {
            id,
            parent: new.path.parent(),
            path: new.path,
            name: new.name,
            description: new.description.unwrap_or_else(no_description),
            branches: 0,
            version: 1,
            created_at: now,
            updated_at: now,
            fingerprint,
        }
    }

    /// The category after a change, one version on; the same category where the change changes nothing.
    pub fn changed(&self, change: CategoryChange, now: Timestamp) -> Self {
        let mut next = self.clone();
        if let Some(name) = change.name {
            next.name = name;
        }
        if let Some(description) = change.description {
            next.description = description;
        }
        if next != *self {
            next.version += 1;
            next.updated_at = now.max(self.updated_at);
        }
        next
    }

    /// The category as clients see it.
    pub fn shown(self) -> model::Category {
        model::Category {
            id: self.id,
            path: self.path,
            parent: self.parent,
            name: self.name,
            description: self.description,
            branches: self.branches,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

#[expect(clippy::expect_used, reason = "the empty text is within the bounds of a description")]
fn no_description() -> CategoryDescription {
    CategoryDescription::parse("").expect("a description may be empty")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_raises_the_version_once_and_no_change_does_not() {
        let new = NewCategory {
            path: "home/kitchen".parse().unwrap(),
            name: "Kitchen".parse().unwrap(),
            description: None,
        };
        let category = Category::create(CategoryId::new(), new, None, Timestamp::from_millis(1));
        assert_eq!(category.parent.as_ref().unwrap().as_str(), "home");
        let now = Timestamp::from_millis(2);
        let same = CategoryChange { name: Some("Kitchen".parse().unwrap()), ..CategoryChange::default() };
        assert_eq!(category.changed(same, now), category);
        let change =
            CategoryChange { description: Some("Pots".parse().unwrap()), ..CategoryChange::default() };
        let changed = category.changed(change, now);
        assert_eq!((changed.version, changed.updated_at), (2, now));
    }
}
