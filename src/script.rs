//! Prints plans as SQL files. `psql -v ON_ERROR_STOP=1 -f` runs them with the same result as schemadiff.

mod by_object;
mod comment;
mod frame;
mod print;

pub use by_object::by_object;
pub use comment::Comment;
pub use print::declarations;
