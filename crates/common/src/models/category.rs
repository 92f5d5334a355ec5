//! The tree of categories.

use crate::ids::CategoryId;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;
use utoipa::ToSchema;

pub type CategoryName = Text<1, 100>;
pub type CategoryDescription = Text<0, 2000, true>;

/// Most levels of the tree.
pub const MAX_LEVELS: usize = 8;
const MAX_PATH: usize = 200;

/// Where a category stands in the tree: the short names from the root to it, such as `clothing/shirts`. It is what
/// products and addresses name, so it never changes; what is shown to people is the category's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CategoryPath(String);

#[derive(Debug, thiserror::Error)]
#[error(
    "must be 1 to {MAX_LEVELS} names joined by slashes, such as clothing/shirts: of a to z, 0 to 9 and inner hyphens, \
     at most {MAX_PATH} characters together"
)]
pub struct InvalidCategoryPath;

impl CategoryPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The category that this one is a branch of; a root has none.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// Every category that holds what this one holds: from the root to itself.
    pub fn branch(&self) -> impl Iterator<Item = &str> {
        let ends = self.0.match_indices('/').map(|(end, _)| end).chain([self.0.len()]);
        ends.filter_map(|end| self.0.get(..end))
    }
}

impl fmt::Display for CategoryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for CategoryPath {
    type Err = InvalidCategoryPath;
    fn from_str(text: &str) -> Result<Self, InvalidCategoryPath> {
        let is_name = |name: &str| {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !name.is_empty() && !name.starts_with('-') && !name.ends_with('-') && name.bytes().all(plain)
        };
        let fits =
            text.len() <= MAX_PATH && text.split('/').count() <= MAX_LEVELS && text.split('/').all(is_name);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidCategoryPath) }
    }
}

impl<'de> Deserialize<'de> for CategoryPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// `POST /categories`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCategory {
    /// A root, or a branch of a category that is there.
    pub path: CategoryPath,
    pub name: CategoryName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<CategoryDescription>,
}

/// `PATCH /categories/{id}`: the fields to change.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CategoryChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<CategoryName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<CategoryDescription>,
}

/// A category of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Category {
    pub id: CategoryId,
    pub path: CategoryPath,
    /// The path of the category that this one is a branch of; a root has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CategoryPath>,
    pub name: CategoryName,
    pub description: CategoryDescription,
    /// How many branches it has of its own.
    pub branches: i64,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_knows_its_parent_and_its_branch() {
        let path: CategoryPath = "home/kitchen/tea-pots".parse().unwrap();
        assert_eq!(path.parent().unwrap().as_str(), "home/kitchen");
        assert_eq!(path.branch().collect::<Vec<_>>(), ["home", "home/kitchen", "home/kitchen/tea-pots"]);
        let root: CategoryPath = "home".parse().unwrap();
        assert_eq!((root.parent(), root.branch().collect::<Vec<_>>()), (None, vec!["home"]));
    }

    #[test]
    fn only_plain_names_make_a_path() {
        for bad in
            ["", "/", "a/", "/a", "a//b", "A", "a b", "a-/b", "-a", "é", "$a", "a.b", "a/b/c/d/e/f/g/h/i"]
        {
            assert!(bad.parse::<CategoryPath>().is_err(), "{bad}");
        }
        assert!("a".repeat(201).parse::<CategoryPath>().is_err());
    }
}
