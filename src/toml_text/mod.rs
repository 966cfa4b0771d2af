//! A TOML text as a tree with the place of every key and value, edits that keep the rest of the text, and errors that show
//! the text that they refer to.

mod duplicate;
pub mod edit;
pub mod error;
pub mod nesting;
mod picture;
pub mod source;
pub mod tree;

pub use error::{Code, Errors, TextError, TextErrors};
pub use source::Source;
pub use tree::{Doc, Node, Step};
