//! The words of the program: objects, catalogs, steps and the SQL they are made of.

pub mod sql;
