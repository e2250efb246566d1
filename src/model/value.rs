//! Values of attributes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The value of an attribute. The type of the attribute says what it means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A flag.
    Bool(bool),
    /// A number.
    Int(i64),
    /// A name, a keyword, SQL or other text.
    Text(String),
    /// A list of texts. Its order matters unless the type says that it does not.
    List(Vec<String>),
    /// Values by name. Their order matters.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Returns the text, if the value is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bool(_) | Self::Int(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// Whether this is the value of an attribute that is not set.
    pub fn is_default(&self) -> bool {
        match self {
            Self::Bool(flag) => !flag,
            Self::Int(_) => false,
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Map(map) => map.is_empty(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::List(list) => write!(f, "[{}]", list.join(", ")),
            Self::Map(map) => {
                f.write_str("{")?;
                for (i, (key, value)) in map.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}
